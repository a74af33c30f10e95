# kept: LT102
class Pool:
    def __init__(self):
        self.workers = {1: "a", 2: "b", 3: "c"}

    def drop(self, key):
        self.workers.pop(key)

    def drain(self):
        keys = [key for key in self.workers]
        for key in keys:
            self.drop(key)


pool = Pool()
pool.drain()
print(pool.workers)

# any: LT103
class Base:
    def __init__(self, a):
        self.a = a


class Child(Base):
    def __init__(self, a, b):
        super().__init__(a)
        self.b = b


items = [Child(i, i) for i in range(4)]
items[0].note = "patched"
print(items[0].note, sum(i.a + i.b for i in items))

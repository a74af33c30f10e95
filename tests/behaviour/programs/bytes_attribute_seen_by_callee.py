# kept: LT105
class Reader:
    def __init__(self):
        self.data = b""

    def part(self, i):
        return bytes([65 + len(self.data) + i])

    def feed(self):
        for i in range(4):
            self.data += self.part(i)


reader = Reader()
reader.feed()
print(reader.data)

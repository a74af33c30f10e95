# any: LT105
class Reader:
    def __init__(self):
        self.data = b""

    def feed(self, parts):
        for part in parts:
            self.data += part

    def text(self):
        return self.data.decode()


reader = Reader()
reader.feed([b"low", b" "])
reader.feed([b"tide"])
print(reader.text())

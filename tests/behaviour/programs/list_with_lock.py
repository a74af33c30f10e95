# kept: LT102
class Gate:
    open = False

    def __enter__(self):
        self.open = True

    def __exit__(self, *exc):
        self.open = False


gate = Gate()


def read(i):
    return (i, gate.open)


def main():
    with gate:
        rows = [read(i) for i in range(3)]
    for row in rows:
        print(row)


main()

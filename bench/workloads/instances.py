"""A million instances of a class with a `__dict__`."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


def main(n):
    points = [Point(i, i + 1) for i in range(n)]
    print(sum(p.x + p.y for p in points))


main(1_000_000)

# rewritten: LT103
class Point:
    """A place."""

    def __init__(self, x, y):
        self.x = x
        self.y = y


points = [Point(i, -i) for i in range(10)]
points[3].x = 50
print(sum(p.x + p.y for p in points))

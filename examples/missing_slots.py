"""The middle of a cloud of points, each an instance that carries a dictionary of its own."""

import random


class Star:
    """A place and a brightness."""

    def __init__(self, x, y, brightness):
        self.x = x
        self.y = y
        self.brightness = brightness


def cloud(count):
    chance = random.Random(3)
    return [Star(chance.gauss(0, 1), chance.gauss(5, 2), chance.random()) for _ in range(count)]


def middle(stars):
    weight = sum(star.brightness for star in stars)
    x = sum(star.x * star.brightness for star in stars) / weight
    y = sum(star.y * star.brightness for star in stars) / weight
    return x, y


if __name__ == "__main__":
    x, y = middle(cloud(500_000))
    print(f"the middle lies at {x:.4f}, {y:.4f}")

"""A million small lists held at once and looped over once."""


def row(x):
    return [x, x * x, str(x)]


def main(n):
    total = 0
    rows = [row(x) for x in range(n)]
    for item in rows:
        total += len(item[2])
    print(total)


main(1_000_000)

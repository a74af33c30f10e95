# kept: LT102
import random

random.seed(4)


def main():
    draws = [random.random() for _ in range(3)]
    for draw in draws:
        print(round(draw, 6), round(random.random(), 6))


main()

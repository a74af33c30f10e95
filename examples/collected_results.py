"""How often each colour comes up; the function gathers a list that its only caller walks through once."""

COLOURS = ("red", "green", "blue", "yellow")


def describe(number):
    return {"number": number, "colour": COLOURS[number % 7 % 4], "label": f"ball {number}"}


def draw(count):
    """Draws balls."""
    balls = []
    for number in range(count):
        balls.append(describe(number))
    return balls


def main(count):
    seen = dict.fromkeys(COLOURS, 0)
    for ball in draw(count):
        seen[ball["colour"]] += len(ball["label"])
    print(seen)


if __name__ == "__main__":
    main(600_000)

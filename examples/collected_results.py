"""How often each colour comes up; the function gathers a list that its only caller walks through once."""


def describe(number):
    colour = "red" if number % 3 else "blue"
    return {"number": number, "colour": colour, "label": f"ball {number}"}


def draw(count):
    """Draws balls."""
    balls = []
    for number in range(count):
        balls.append(describe(number))
    return balls


def main(count):
    seen = {}
    for ball in draw(count):
        seen[ball["colour"]] = seen.get(ball["colour"], 0) + 1
    print(seen)


if __name__ == "__main__":
    main(600_000)

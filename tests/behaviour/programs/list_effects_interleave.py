# kept: LT102
def noisy(x):
    print("made", x)
    return x * 2


def main():
    items = [noisy(x) for x in range(4)]
    for item in items:
        print("used", item)


main()

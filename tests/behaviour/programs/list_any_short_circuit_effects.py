# kept: LT102
seen = []


def check(x):
    seen.append(x)
    return x > 1


print(any([check(x) for x in range(5)]), seen)

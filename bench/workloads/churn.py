"""Small objects that die at once under a stack of 22 frames: the stack walk dominates."""


def leaf(i):
    return {"a": i, "b": [i, i + 1], "c": str(i)}


def deep(levels, i):
    return leaf(i) if levels == 0 else deep(levels - 1, i)


total = 0
for number in range(900_000):
    total += len(deep(20, number)["b"])
print(total)

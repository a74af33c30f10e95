# any: LT104
def collect(n):
    out = []
    if n < 0:
        return out
    for i in range(n):
        if i == 3:
            return out
        out.append(i)
    return out


for n in (-1, 2, 9):
    for value in collect(n):
        print(n, value)

# any: LT104
def collect(n):
    out = []
    for i in range(n):
        out.append(i)
    return out


for value in collect(3):
    print(value)
print(len(collect(4)))

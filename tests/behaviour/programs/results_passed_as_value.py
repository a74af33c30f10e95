# any: LT104
def collect(n):
    out = []
    for i in range(n):
        out.append(i)
    return out


functions = {"collect": collect}
for value in collect(2):
    print(value)
print(functions["collect"](3))

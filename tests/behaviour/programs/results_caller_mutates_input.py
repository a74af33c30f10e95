# kept: LT104
def names(table):
    out = []
    for key in table:
        out.append(key)
    return out


table = {"a": 1, "b": 2, "c": 3}
for key in names(table):
    if table[key] > 1:
        del table[key]
print(table)

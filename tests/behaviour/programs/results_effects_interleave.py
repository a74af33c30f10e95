# kept: LT104
def collect(n):
    out = []
    for i in range(n):
        print("collect", i)
        out.append(i)
    return out


for value in collect(3):
    print("use", value)

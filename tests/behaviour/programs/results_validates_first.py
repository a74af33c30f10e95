# kept: LT104
def collect(n):
    if n < 0:
        raise ValueError("negative")
    out = []
    for i in range(n):
        out.append(i)
    return out


def main():
    try:
        rows = collect(-1)
    except ValueError as error:
        print("refused:", error)
        return
    for row in rows:
        print(row)


main()
for row in collect(2):
    print(row)

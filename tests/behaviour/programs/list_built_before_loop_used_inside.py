# kept: LT102
def main():
    parts = [i for i in range(3)]
    for size in (1, 2):
        for part in parts:
            print(size, part)


main()

# rewritten: LT102
def main():
    grand = 0
    for size in (3, 5):
        parts = [i * size for i in range(size)]
        for part in parts:
            grand += part
    print(grand)


main()

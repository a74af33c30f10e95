# kept: LT102
def main():
    items = [x for x in range(4)]
    same = items
    for item in items:
        print(item)
    for item in same:
        print(item)


main()

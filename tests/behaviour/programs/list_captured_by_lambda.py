# kept: LT102
def main():
    items = [x for x in range(4)]
    later = lambda: items
    for item in items:
        print(item)
    print(later())


main()

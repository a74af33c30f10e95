# kept: LT102
def main():
    factor = 2
    items = [x * factor for x in range(5)]
    factor = 100
    print(sum(items), factor)


main()

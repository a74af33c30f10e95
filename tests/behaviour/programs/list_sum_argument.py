# rewritten: LT102
def main():
    print(sum([x * x for x in range(1000)]), max([len(str(x)) for x in range(1000)]))
    print(sorted([-x for x in range(5)]))


main()

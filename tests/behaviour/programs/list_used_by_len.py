# kept: LT102
def main():
    rows = [i * i for i in range(6)]
    print(len(rows))
    for row in rows:
        print(row)


main()

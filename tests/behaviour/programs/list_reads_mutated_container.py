# kept: LT102
def main():
    table = {"a": 1, "b": 2}
    values = [table[key] for key in ("a", "b")]
    table["a"] = 50
    for value in values:
        print(value)


main()

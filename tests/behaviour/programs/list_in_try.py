# kept: LT102
def main(texts):
    try:
        numbers = [int(text) for text in texts]
    except ValueError as error:
        print("bad input:", error)
        return
    total = 0
    for number in numbers:
        total += number
        print("running", total)


main(["1", "2", "x", "4"])
main(["1", "2"])

# kept: LT102
def main(texts):
    numbers = [int(text) for text in texts]
    for number in numbers:
        print(number)


try:
    main(["1", "2", "x"])
except ValueError as error:
    print("error:", error)

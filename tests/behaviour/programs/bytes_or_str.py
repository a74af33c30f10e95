# kept: LT105
def main(parts):
    text = ""
    for part in parts:
        text += part
    print(text)


main(["a", "b"])

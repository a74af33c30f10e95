# rewritten: LT105
def main(parts):
    blob = b"head:"
    for part in parts:
        blob = blob + part.encode("utf-8")
    print(blob)


main(["ä", "b", "c"])

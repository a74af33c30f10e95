# rewritten: LT102
def shout(word):
    return word.upper() + "!"


def main(words):
    loud = [shout(word) for word in words]
    for each in loud:
        print(each)


main(["tide", "low", "ebb"])

# rewritten: LT104
def pairs(groups):
    found = []
    for name, members in groups:
        # every member with its group
        for member in members:
            found.append((name, member))
        found.extend([(name, None)])
    return found


def main():
    for name, member in pairs([("a", "xy"), ("b", "z")]):
        print(name, member)


main()

# any: LT104
def walk(tree):
    found = []
    for name, below in tree.items():
        found.append(name)
        found.extend(walk(below))
    return found


for name in walk({"a": {"b": {}, "c": {"d": {}}}, "e": {}}):
    print(name)

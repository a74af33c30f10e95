# kept: LT102
import json


def main():
    rows = [x for x in range(3)]
    print(json.dumps(rows))
    more = [x for x in range(3)]
    print(isinstance(more, list))


main()

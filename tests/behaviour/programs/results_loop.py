# rewritten: LT104
def convert(rows):
    converted = []
    for row in rows:
        if row % 3:
            converted.append({"row": row, "text": f"row {row}"})
    return converted


def main():
    total = 0
    for item in convert(range(50)):
        total += len(item["text"])
    print(total)


main()

"""A million dictionaries collected and returned: 8 M allocations."""


def process(row):
    return {"id": row, "square": row * row, "name": f"row-{row}"}


def process_all(rows):
    results = []
    for row in rows:
        results.append(process(row))
    return results


def main(n):
    print(sum(len(result["name"]) for result in process_all(range(n))))


main(1_000_000)

"""Turnover per city, from a file of orders that is read as a whole although only one line is needed at a time."""

import sys


def turnover(path):
    totals = {}
    with open(path, encoding="utf-8") as orders:
        lines = orders.readlines()
    for line in lines:
        _number, _day, city, amount, _customer = line.rstrip("\n").split(",")
        totals[city] = totals.get(city, 0.0) + float(amount)
    return totals


if __name__ == "__main__":
    for name, total in sorted(turnover(sys.argv[1]).items()):
        print(f"{name:10} {total:18,.2f}")

"""Writes ROWS orders as CSV to PATH, the same bytes every time: 3,000,000 rows are about 140 MB.

    python make_orders.py orders.csv 3000000
"""

import random
import sys

CITIES = ["Lisboa", "Kraków", "Oslo", "Zürich", "Porto", "Malmö", "Gent"]


def write_orders(path, rows):
    chance = random.Random(7)
    with open(path, "w", encoding="utf-8") as orders:
        for number in range(rows):
            day = f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
            cents = chance.randrange(100, 500_000)
            city = CITIES[cents % len(CITIES)]
            orders.write(f"{number:07d},{day},{city},{cents / 100:.2f},customer-{cents % 9973:04d}\n")


if __name__ == "__main__":
    write_orders(sys.argv[1], int(sys.argv[2]))

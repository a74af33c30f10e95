"""The longest way a number under a limit takes to 1 in the Collatz game; all ways are kept, each is looked at once."""

import sys


def way_down(start):
    steps = [start]
    while start != 1:
        start = 3 * start + 1 if start % 2 else start // 2
        steps.append(start)
    return steps


def longest_way(limit):
    ways = [way_down(start) for start in range(1, limit)]
    longest = []
    for way in ways:
        if len(way) > len(longest):
            longest = way
    return longest


if __name__ == "__main__":
    best = longest_way(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
    print(f"{best[0]} takes {len(best) - 1} steps and climbs to {max(best)}")

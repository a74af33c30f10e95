# rewritten: LT102
import asyncio


def square(x):
    return x * x


async def main():
    rows = [square(x) for x in range(5)]
    total = 0
    for row in rows:
        total += row
    print(total)


asyncio.run(main())

# kept: LT102
import asyncio


async def double(x):
    await asyncio.sleep(0)
    return x * 2


async def main():
    rows = [await double(x) for x in range(5)]
    for row in rows:
        print(row)


asyncio.run(main())

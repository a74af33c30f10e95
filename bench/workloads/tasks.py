"""asyncio: 100 tasks that pass 5,000 messages on, from queue to queue."""
import asyncio


async def relay(source, sink, count):
    for _ in range(count):
        await sink.put(await source.get() + 1)


async def main(stages, count):
    queues = [asyncio.Queue(4) for _ in range(stages + 1)]
    workers = [asyncio.create_task(relay(queues[i], queues[i + 1], count)) for i in range(stages)]
    total = 0
    for message in range(count):
        await queues[0].put(message)
        if message >= 4:
            total += await queues[-1].get()
    for _ in range(4):
        total += await queues[-1].get()
    await asyncio.gather(*workers)
    print(total)


asyncio.run(main(100, 5_000))

"""Threads, forks and allocations of many kinds, round after round the same.

python program.py FILE ROUNDS SECONDS: ends after that many rounds or seconds, whichever comes first. After each round,
when no other thread is left, it appends to FILE the KiB of memory that the process has to itself.
"""

import gc
import hashlib
import mmap
import os
import sys
import threading
import time
import zlib
from collections import namedtuple

THREADS = 6
ROUNDS_PER_FORK = 10


def small_objects(depth):
    if depth:
        return small_objects(depth - 1)
    return [{"number": n, "text": str(n), "pair": [n, n + 1]} for n in range(2_000)]


def growing():
    buffer = bytearray()
    for n in range(500):
        buffer += b"x" * (n % 97)
    return len(buffer)


def native():
    blocks = [bytes([n % 251]) * 50_000 for n in range(10)]
    packed = [zlib.compress(block, 1) for block in blocks]
    return hashlib.sha256(b"".join(packed)).digest()


def mapped():
    with mmap.mmap(-1, 1 << 20) as memory:
        memory[:3] = b"abc"
        return memory[:3]


def made_code():
    """New code objects of the same text, as namedtuple, dataclass and templates make them."""
    point = namedtuple("point", "x y")
    scope = {}
    exec("def made(n):\n    return [n] * 100\n", scope)
    return point(1, 2), scope["made"](3)


def work(number):
    for _ in range(3):
        kept = [small_objects(number * 5 % 23), growing(), native(), mapped(), made_code()]
    return len(kept)


def forked():
    child = os.fork()
    if not child:
        work(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"a child ended with status {status}")


def own_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def main(file, most_rounds, most_seconds):
    end = time.monotonic() + most_seconds
    for number in range(most_rounds):
        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        if number % ROUNDS_PER_FORK == 0:
            forked()
        for thread in threads:
            thread.join()
        # Classes are cycles, and when those go is up to the collector.
        gc.collect()
        with open(file, "a") as samples:
            print(own_kib(), file=samples)
        if time.monotonic() > end:
            break


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

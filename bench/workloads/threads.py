"""Four threads that allocate; some of the time native code runs without the GIL."""
import hashlib
import threading
import zlib

digests = []


def work(k):
    for _ in range(3):
        rows = [f"{k}-{i}" * 3 for i in range(60_000)]
        digests.append(hashlib.sha1(zlib.compress("".join(rows).encode() * 4)).hexdigest())


workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(len(digests))

# kept: LT104
import functools


@functools.lru_cache
def collect(n):
    out = []
    for i in range(n):
        out.append(i * i)
    return out


for value in collect(3):
    print(value)
for value in collect(3):
    print(value)

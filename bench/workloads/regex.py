"""Regular expressions over generated log lines: short strings and match objects."""
import re

LINE = re.compile(r"(?P<ip>\d+\.\d+\.\d+\.\d+) - \[(?P<day>[^:]+):(?P<time>[^\]]+)\] \"(?P<verb>\w+) (?P<path>\S+)\" (?P<status>\d+)")
hits = {}
for i in range(450_000):
    line = f'10.{i % 256}.{i % 17}.{i % 211} - [23/Nov/2026:10:{i % 60:02d}:00] "GET /page/{i % 4096}?q={i}" {200 + i % 5}'
    match = LINE.match(line)
    path = match["path"].split("?")[0]
    hits[path] = hits.get(path, 0) + int(match["status"])
print(len(hits), sum(hits.values()))

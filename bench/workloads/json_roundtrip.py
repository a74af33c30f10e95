"""A C extension that builds and reads a large object graph."""
import json

rows = [{"id": i, "tags": ["a", "b", str(i)], "v": i / 3, "n": {"x": i}} for i in range(150_000)]
text = json.dumps(rows)
read = json.loads(text)
print(len(text), len(read))

# any: LT101
import os
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "a.txt")
    path.write_text("one\ntwo\n" * 4000)
    count = 0
    with open(path) as source:
        lines = source.readlines()
    os.remove(path)
    for line in lines:
        count += len(line)
    print(count)

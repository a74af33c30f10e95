# kept: LT101
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    path.write_text("a\nbb\nccc\n")
    with open(path) as source:
        for line in source.readlines():
            print(line.strip(), source.tell())

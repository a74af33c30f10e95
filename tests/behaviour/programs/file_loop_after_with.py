# rewritten: LT101
import pathlib
import tempfile


def count(path):
    words = 0
    with open(path, encoding="utf-8") as source:
        lines = source.readlines()
    for line in lines:  # each line once
        words += len(line.split())
    return words


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    path.write_text("low tide\nebb and flow\n\nlast one", encoding="utf-8")
    print(count(path))

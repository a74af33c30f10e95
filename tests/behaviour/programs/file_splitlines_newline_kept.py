# any: LT101
import pathlib
import tempfile


def pieces(path):
    with open(path, encoding="utf-8", newline="") as source:
        for line in source.read().splitlines():
            print(repr(line))


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("one\r\ntwo\rthree\n\rfour\r\r\nfive")
    pieces(path)

# any: LT101
import pathlib
import tempfile

TEXT = "one\x0btwo\x0cthree\r\nfour\x1cfive\x85six\u2028seven\n\nlast\rend"


def pieces(path, **how):
    with open(path, encoding="utf-8", **how) as source:
        for line in source.read().splitlines():
            print(repr(line))


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    for tail in ("", "\n", "\r\n", "\x0b", "\r"):
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(TEXT + tail)
        pieces(path)

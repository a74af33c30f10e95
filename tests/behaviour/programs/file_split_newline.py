# any: LT101
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    for text in ("a\nb\n", "a\nb", "", "\n"):
        path.write_text(text)
        with open(path) as source:
            for piece in source.read().split("\n"):
                print(repr(piece))

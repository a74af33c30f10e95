# kept: LT101
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    path.write_text("head\nstop\nbody\ntail\n")
    with open(path) as source:
        for line in source.readlines():
            if line.startswith("stop"):
                break
        print(repr(source.read()))

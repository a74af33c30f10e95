# any: LT101
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "data.bin")
    path.write_bytes(b"one\r\ntwo\rthree\x0bfour\n\nfive\n")
    with open(path, "rb") as source:
        for line in source.read().splitlines():
            print(line)
    with open(path, "rb") as source:
        for line in source.readlines():
            print(line)

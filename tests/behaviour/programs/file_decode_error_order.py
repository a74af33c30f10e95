# kept: LT101
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "a.txt")
    path.write_bytes(b"fine\n" * 5000 + b"\xff\n")
    try:
        with open(path, encoding="utf-8") as source:
            for number, line in enumerate(source.readlines()):
                if number < 3:
                    print(line.strip())
    except UnicodeDecodeError as error:
        print("bad byte", error.reason)

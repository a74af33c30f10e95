# kept: LT101
import pathlib
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "a.txt")
    path.write_text("3\n1\n2\n")
    with open(path) as source:
        lines = source.readlines()
    print(len(lines))
    for line in lines:
        print(line.strip())

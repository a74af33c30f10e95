# kept: LT101
import pathlib
import tempfile


def censor(path):
    with open(path) as source:
        lines = source.readlines()
    with open(path, "w") as target:
        for line in lines:
            target.write(line.replace("x", "-"))


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "text.txt")
    path.write_text("axb\nxx\nq\n" * 5000)
    censor(path)
    print(len(path.read_text()), path.read_text()[:9])

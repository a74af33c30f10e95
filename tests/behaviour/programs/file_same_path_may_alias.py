# any: LT101
import pathlib
import tempfile


def copy(source_path, target_path):
    with open(source_path) as source:
        lines = source.readlines()
    with open(target_path, "w") as target:
        for line in lines:
            target.write(line.upper())


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "a.txt")
    path.write_text("ebb\nflow\n" * 3000)
    copy(path, path)
    print(len(path.read_text()), path.read_text()[:8])

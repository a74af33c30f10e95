# rewritten: LT101
import pathlib
import tempfile


def copy(source_path: pathlib.Path, target_path: pathlib.Path) -> int:
    copied: int = 0
    with open(source_path) as source, open(target_path, "w") as target:
        lines: list[str] = source.readlines()
        for line in lines:
            target.write(line.upper())
            copied += 1
    return copied


with tempfile.TemporaryDirectory() as folder:
    first, second = pathlib.Path(folder, "a.txt"), pathlib.Path(folder, "b.txt")
    first.write_text("ebb\nflow\n")
    print(copy(first, second), second.read_text())

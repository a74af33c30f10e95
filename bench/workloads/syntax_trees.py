"""Parses modules of the standard library into trees and walks them."""
import ast
import pathlib

folder = pathlib.Path(ast.__file__).parent
nodes = 0
for name in ("argparse", "tarfile", "inspect", "typing", "subprocess", "zipfile", "datetime", "decimal", "_pydecimal", "pickle", "doctest", "turtle", "mailbox", "pydoc", "optparse"):
    path = folder / f"{name}.py"
    for _ in range(3 * path.exists()):
        nodes += sum(1 for _ in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
print(nodes > 0)

"""Scripts, modules, code, folders and archives start as under `python`."""

from __future__ import annotations

import os
import zipapp
from pathlib import Path

from comparing import assert_same, write

SAYS_WHERE_IT_IS = """
import os, sys
print(__name__, __package__, __spec__ and (__spec__.name, __spec__.origin), globals().get("__file__"))
print(sys.argv, sys.path, sys.orig_argv, os.getcwd())
print(sorted(globals()))
"""


def test_a_script_by_a_relative_path_from_another_folder(tmp_path: Path) -> None:
    write(tmp_path, "deep/down/program.py", "import beside\n" + SAYS_WHERE_IT_IS)
    write(tmp_path, "deep/down/beside.py", "print('beside')")
    assert_same(tmp_path, "deep/down/program.py", "a")
    assert_same(tmp_path, "./deep/../deep/down/program.py")


def test_a_script_behind_a_link(tmp_path: Path) -> None:
    write(tmp_path, "real/program.py", "import beside\n" + SAYS_WHERE_IT_IS)
    write(tmp_path, "real/beside.py", "print('beside')")
    os.symlink("real/program.py", tmp_path / "link.py")
    assert_same(tmp_path, "link.py")


def test_a_script_with_an_odd_name(tmp_path: Path) -> None:
    for name in ("with space.py", "ünïcode.py", "no-extension", "sitecustomize.py", "lowtide.py", "quote'\".py"):
        write(tmp_path, name, SAYS_WHERE_IT_IS)
        assert_same(tmp_path, name, "--", "-x", "ä b", "*")


def test_code(tmp_path: Path) -> None:
    assert_same(tmp_path, "-c", SAYS_WHERE_IT_IS, "-c", "--out", "x")
    assert_same(tmp_path, "-c", "")


def test_a_module_of_the_working_folder(tmp_path: Path) -> None:
    write(tmp_path, "alone.py", SAYS_WHERE_IT_IS)
    assert_same(tmp_path, "-m", "alone", "-m", "other")


def test_a_package_with_relative_imports(tmp_path: Path) -> None:
    write(tmp_path, "boats/__init__.py", "print('init', __name__)")
    write(tmp_path, "boats/sail.py", "from . import hull\nfrom .hull import length\n" + SAYS_WHERE_IT_IS)
    write(tmp_path, "boats/hull.py", "length = 12")
    write(tmp_path, "boats/__main__.py", "from .hull import length\nprint(length)\n" + SAYS_WHERE_IT_IS)
    assert_same(tmp_path, "-m", "boats.sail", "x")
    assert_same(tmp_path, "-m", "boats", "x")
    assert_same(tmp_path, "boats/sail.py")


def test_modules_of_the_standard_library(tmp_path: Path) -> None:
    assert_same(tmp_path, "-m", "json.tool", "--sort-keys", stdin=b'{"b": 1, "a": [2]}')
    assert_same(tmp_path, "-m", "timeit", "--help")


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    assert assert_same(tmp_path, "-m", "no_such_module_here").returncode == 1


def test_a_folder_and_an_archive(tmp_path: Path) -> None:
    write(tmp_path, "app/__main__.py", "import inner\n" + SAYS_WHERE_IT_IS)
    write(tmp_path, "app/inner.py", "print(__file__)")
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz")
    assert_same(tmp_path, "app", "x")
    assert_same(tmp_path, "app/", "x")
    assert_same(tmp_path, "app.pyz", "x")


def test_a_program_from_standard_input(tmp_path: Path) -> None:
    assert_same(tmp_path, "-", "x", stdin=SAYS_WHERE_IT_IS.encode())


def test_a_compiled_script(tmp_path: Path) -> None:
    source = write(tmp_path, "program.py", SAYS_WHERE_IT_IS)
    compiled = tmp_path / "program.pyc"
    assert_same(tmp_path, "-c", f"import py_compile; py_compile.compile({str(source)!r}, {str(compiled)!r})")
    assert_same(tmp_path, compiled.name)


def test_a_script_that_is_no_python(tmp_path: Path) -> None:
    write(tmp_path, "broken.py", "def f(:\n    pass\n")
    assert_same(tmp_path, "broken.py")
    (tmp_path / "latin.py").write_bytes(b"print('\xe9')\n")
    assert_same(tmp_path, "latin.py")
    (tmp_path / "declared.py").write_bytes(b"# coding: latin-1\nprint(ascii('\xe9'))\n")
    assert_same(tmp_path, "declared.py")
    (tmp_path / "null.py").write_bytes(b"print(1)\x00\n")
    assert_same(tmp_path, "null.py")

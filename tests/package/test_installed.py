"""The wheel as pip installs it: the command, `python -m lowtide`, and what it needs inside a program."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

lowtide = pytest.importorskip("lowtide")
PACKAGE = Path(lowtide.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
SHOW_PYTHON = "import sys; print(sys.executable)"


def module(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lowtide", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_all_say_the_same_version(tmp_path: Path) -> None:
    cargo = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert cargo is not None
    assert module("--version", folder=tmp_path).stdout.split() == ["lowtide", cargo[1]]
    assert lowtide.__version__ == version("lowtide") == cargo[1]


def test_the_package_carries_what_programs_are_started_with() -> None:
    inside = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts}
    needed = {"py.typed", "_tracker.abi3.so", "_stage.abi3.so", "boot/sitecustomize.py"}
    assert needed <= inside


def test_the_module_runs_programs_with_its_own_interpreter(tmp_path: Path) -> None:
    done = module("run", "-c", SHOW_PYTHON, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{sys.executable}\n")
    assert "peak heap" in done.stderr
    done = module("--color", "never", "run", "-c", SHOW_PYTHON, folder=tmp_path)
    assert done.stdout == f"{sys.executable}\n"


def test_another_interpreter_can_be_named(tmp_path: Path) -> None:
    other = tmp_path / "other-python"
    other.write_text(f'#!/bin/sh\necho other\nexec "{sys.executable}" "$@"\n')
    other.chmod(0o755)
    done = module("run", "--python", str(other), "-c", "print('ran')", folder=tmp_path)
    assert done.stdout == "other\nran\n"


def test_arguments_of_the_program_are_left_alone(tmp_path: Path) -> None:
    done = module("run", "-c", "import sys; print(sys.argv)", "run", "--python", "x", "-m", folder=tmp_path)
    assert done.stdout == "['-c', 'run', '--python', 'x', '-m']\n"


def test_a_word_that_only_looks_like_a_subcommand_is_left_alone(tmp_path: Path) -> None:
    done = module("explain", "run", folder=tmp_path)
    assert "--python" not in done.stderr

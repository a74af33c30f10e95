"""Compiles the small native programs that tests drive."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).parent / "native"


def library(source: str, folder: Path, *options: str, name: str | None = None) -> Path:
    """A shared library from a C or C++ file of `native`; `options` go to the compiler."""
    path = folder / (name or f"lib{Path(source).stem}.so")
    compiler = "c++" if source.endswith(".cpp") else "cc"
    # Without optimisation: compilers leave out a malloc whose block is only freed.
    run([compiler, "-shared", "-fPIC", "-O0", "-w", "-o", str(path), str(SOURCES / source), *options])
    return path


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

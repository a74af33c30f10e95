"""Runs a program that measures itself, and gives what it tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from measuring import LOWTIDE, PROGRAM, Report

lowtide = pytest.importorskip("lowtide")
PACKAGE = Path(lowtide.__file__).parents[1]
PRELUDE = "import lowtide, json\ndef tell(**told): print(json.dumps(told))\n"
BYTES_HEADER = sys.getsizeof(b"")


def run(folder: Path, program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs `program` (dedented, after PRELUDE) in `folder`, with `words` for Python before it."""
    (folder / PROGRAM).write_text(PRELUDE + textwrap.dedent(program), encoding="utf-8")
    command = [sys.executable, *words, str(folder / PROGRAM)]
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "TMPDIR": str(temporary)} | variables
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def told(folder: Path, program: str, *words: str, **variables: str) -> dict[str, Any]:
    """What `program` told; it must end well, and leave no temporary file behind."""
    done = run(folder, program, *words, **variables)
    assert done.returncode == 0, done.stderr
    assert list((folder / "temporary").iterdir()) == []
    return json.loads(done.stdout)


def report(folder: Path, capture: str) -> Report:
    command = [LOWTIDE, "report", str(folder / capture), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Report(json.loads(done.stdout), (folder / PROGRAM).read_text(encoding="utf-8"))

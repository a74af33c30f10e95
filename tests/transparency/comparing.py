"""Runs a program once plainly and once under `lowtide run`, and compares all that can be seen of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

LOWTIDE = os.environ.get("LOWTIDE_TEST_BINARY") or shutil.which("lowtide") or "lowtide"
REPORT = b"peak heap"

# Of these no two runs are alike.
ADDRESS_OR_PID = re.compile(rb"0x[0-9a-f]{6,}|(?<=subprocess )\d+")

Words = Sequence["str | Path"]
Completed = subprocess.CompletedProcess[bytes]


def clean_environment(**more: str) -> dict[str, str]:
    """Little, so that the machine's own settings decide nothing, and in an order that is not the alphabet's."""
    given = {"ZEBRA": "1", "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "APE": "2"}
    return given | more


def lowtide_run(*words: str | Path) -> list[str]:
    return [LOWTIDE, "run", "--python", sys.executable, *map(str, words)]


def python(*words: str | Path) -> list[str]:
    return [sys.executable, *map(str, words)]


def completed(command: Words, folder: Path, environment: dict[str, str], stdin: bytes) -> Completed:
    done = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=False)
    done.stdout, done.stderr = (ADDRESS_OR_PID.sub(b"...", output) for output in (done.stdout, done.stderr))
    return done


def assert_same(
    folder: Path, *words: str | Path, environment: dict[str, str] | None = None, stdin: bytes = b""
) -> Completed:
    """Both runs have the same status and output, and lowtide only adds its report at the end of standard error."""
    environment = clean_environment() if environment is None else environment
    plain = completed(python(*words), folder, environment, stdin)
    ours = completed(lowtide_run(*words), folder, environment, stdin)
    assert ours.stdout.decode(errors="replace") == plain.stdout.decode(errors="replace")
    assert ours.returncode == plain.returncode, ours.stderr.decode()
    added = ours.stderr.removeprefix(plain.stderr)
    assert added != ours.stderr or not plain.stderr, f"{plain.stderr.decode()} became {ours.stderr.decode()}"
    assert REPORT in added.lower(), f"nothing was recorded: {added.decode()}"
    return plain


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def assert_same_program(folder: Path, source: str, *arguments: str, **how: object) -> Completed:
    """As `assert_same`, for a script of this source."""
    script = write(folder, "program.py", source)
    return assert_same(folder, script.name, *arguments, **how)  # type: ignore[arg-type]

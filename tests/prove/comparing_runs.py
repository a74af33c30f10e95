"""Runs `lowtide prove` and `lowtide slim` on small programs, and looks at what is left of the folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOWTIDE = os.environ.get("LOWTIDE_TEST_BINARY", "lowtide")

Facts = dict[str, tuple[int, int, bytes]]


@dataclass(frozen=True)
class Told:
    """What a command printed."""

    status: int
    record: dict[str, Any]
    stderr: str


def clean_environment(folder: Path) -> dict[str, str]:
    """Temporary files go into a folder of the test's own, so that tests do not meet."""
    temporary = folder.with_name(folder.name + "-temporary")
    temporary.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "TMPDIR": str(temporary)}


def lowtide(folder: Path, *words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [LOWTIDE, *map(str, words)]
    environment = clean_environment(folder)
    return subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=False)


def told(done: subprocess.CompletedProcess[bytes]) -> Told:
    stderr = done.stderr.decode()
    assert done.returncode in (0, 1), stderr
    return Told(done.returncode, json.loads(done.stdout), stderr)


def prove(folder: Path, before: str, after: str, runs: int = 1, stdin: bytes = b"") -> Told:
    """Both are a script and its arguments, for this Python."""
    python = shlex.quote(sys.executable)
    words = ["prove", "--before", f"{python} {before}", "--after", f"{python} {after}", "--runs", str(runs)]
    return told(lowtide(folder, *words, "--format", "json", stdin=stdin))


def slim(folder: Path, *words: str, runs: int = 5, write: bool = False, stdin: bytes = b"") -> Told:
    options = ["--runs", str(runs), "--format", "json", "--python", sys.executable, *(["--write"] if write else [])]
    return told(lowtide(folder, "slim", *options, *words, stdin=stdin))


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def facts(folder: Path) -> Facts:
    """Mode, time of modification and content of everything in a folder, by name."""
    return {str(path.relative_to(folder)): facts_of(path) for path in [folder, *sorted(folder.rglob("*"))]}


def facts_of(path: Path) -> tuple[int, int, bytes]:
    status = path.lstat()
    if path.is_symlink():
        return status.st_mode, 0, os.fsencode(os.readlink(path))
    return status.st_mode, status.st_mtime_ns, path.read_bytes() if path.is_file() else b""

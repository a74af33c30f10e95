"""Every program behaves the same after every fix, and each fix is made or refused as its first line says.

The first line of a program is `# rewritten: CODE`, `# kept: CODE` or `# any: CODE` (either is right, as long as the
program still does the same).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
HEADER = re.compile(rb"# (rewritten|kept|any): (LT\d+)\r?\n")
LOWTIDE = os.environ.get("LOWTIDE_TEST_BINARY") or shutil.which("lowtide")
NEWLINES = {"lf": b"\n", "crlf": b"\r\n"}


def outcome_of(program: Path) -> tuple[int, str, str]:
    """Exit status, standard output, and the last line of standard error."""
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, cwd=program.parent, check=False)
    return done.returncode, done.stdout, done.stderr.strip().rpartition("\n")[2]


def fix(program: Path, *options: str) -> None:
    command = [LOWTIDE, "fix", "--write", "--unsafe", *options, program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr


@pytest.fixture(params=sorted(NEWLINES))
def newline(request: pytest.FixtureRequest) -> bytes:
    return NEWLINES[request.param]


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_the_named_rule_rewrites_or_refuses(source: Path, newline: bytes, tmp_path: Path) -> None:
    text = source.read_bytes().replace(b"\n", newline)
    program = tmp_path / source.name
    program.write_bytes(text)
    before = outcome_of(program)

    wanted, code = HEADER.match(text).groups()
    fix(program, "--rule", code.decode())

    if wanted != b"any":
        assert (program.read_bytes() != text) == (wanted == b"rewritten")
    assert outcome_of(program) == before


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_all_rules_together_change_nothing_seen(source: Path, tmp_path: Path) -> None:
    program = tmp_path / source.name
    program.write_bytes(source.read_bytes())
    before = outcome_of(program)
    fix(program)
    assert outcome_of(program) == before

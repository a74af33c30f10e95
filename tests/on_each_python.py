"""Runs pytest on each CPython that is found, with the wheel installed there.

    python tests/on_each_python.py WHEEL [pytest arguments]

Each Python gets a virtual environment under .venv/pythons, or the folder that LOWTIDE_TEST_ENVIRONMENTS names. Tests find
the command in LOWTIDE_TEST_BINARY.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pythons import Python, describe, found

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = Path(os.environ.get("LOWTIDE_TEST_ENVIRONMENTS") or ROOT / ".venv" / "pythons")


def main(wheel: str, *arguments: str) -> int:
    pythons = found()
    print(describe(pythons), flush=True)
    failed = [version for version, python in pythons.items() if not passes(python, wheel, arguments)]
    print(f"pytest passed on {len(pythons) - len(failed)} of {len(pythons)} CPythons")
    return 1 if failed or not pythons else 0


def passes(python: Python, wheel: str, arguments: tuple[str, ...]) -> bool:
    print(f"\nCPython {python.version}", flush=True)
    environment = prepared(python, wheel)
    programs = environment / "bin"
    # As in an active environment, so that a plain `python3` is the Python under test.
    variables = os.environ | {
        "LOWTIDE_TEST_BINARY": str(programs / "lowtide"),
        "VIRTUAL_ENV": str(environment),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    command = [str(programs / "python"), "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode == 0


def prepared(python: Python, wheel: str) -> Path:
    """A virtual environment of this Python with pytest and the wheel; the pip that runs this installs into it."""
    environment = ENVIRONMENTS / python.version
    if not environment.exists():
        subprocess.run([python.path, "-m", "venv", "--without-pip", environment], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(environment / "bin" / "python"), "install"]
    subprocess.run([*pip, "-r", str(ROOT / "requirements-test.txt")], check=True)
    subprocess.run([*pip, "--no-deps", "--force-reinstall", wheel], check=True)
    return environment


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

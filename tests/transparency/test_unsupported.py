"""A Python that cannot be measured is refused before the program begins, with what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from comparing import LOWTIDE, clean_environment

BOOT = Path(__file__).resolve().parents[2] / "python" / "lowtide" / "boot" / "sitecustomize.py"
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
OLD_VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9")

# What such a Python says of itself, said by this one.
PRETENCES = {
    "sys.implementation.name = 'pypy'": "pypy (Python ",
    "sys.implementation.name = 'graalpy'": "graalpy (Python ",
    "sys.abiflags = 't'": "the free-threaded build of Python ",
    "sys.version_info = (3, 9, 18)": "Python 3.9.18 ",
    "sys.version_info = (2, 7, 18)": "Python 2.7.18 ",
}


@pytest.mark.parametrize("pretence", PRETENCES)
def test_the_kind_of_python_is_named(pretence: str) -> None:
    code = f"import sys; {pretence}; __file__ = {str(BOOT)!r}; exec(open(__file__).read()); print('ran')"
    environment = clean_environment(LOWTIDE_CAPTURE="/nowhere/capture", LOWTIDE_EXTENSION="/nowhere/extension")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lowtide: error: {PRETENCES[pretence]}")
    assert done.stderr.splitlines()[1].startswith("hint: lowtide measures CPython 3.10 and later")


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_an_old_python_runs_nothing(version: str, tmp_path: Path) -> None:
    python = next(PYENV.glob(f"{version}.*/bin/python"), None)
    if python is None:
        pytest.skip(f"Python {version} is not installed here")
    capture = tmp_path / "out.lowtide"
    command = [LOWTIDE, "run", "--python", str(python), "--out", str(capture), "-c", "print('ran')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lowtide: error: Python {version}.")
    assert "\nhint: " in done.stderr
    assert not capture.exists()

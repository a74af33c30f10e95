"""Calls the command line with the Python that runs the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

LOWTIDE = os.environ.get("LOWTIDE_TEST_BINARY") or shutil.which("lowtide") or "lowtide"


def lowtide(
    *words: str | Path, cwd: Path, variables: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LOWTIDE_PYTHON": sys.executable} | (variables or {})
    return subprocess.run(
        [LOWTIDE, *words], cwd=cwd, env=environment, input=stdin, capture_output=True, text=True, check=False
    )


def report(capture: Path, cwd: Path) -> dict[str, Any]:
    done = lowtide("report", capture, "--format", "json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

"""What the boot folder does on its own: the launcher only sets these variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

lowtide = pytest.importorskip("lowtide")
PACKAGE = Path(lowtide.__file__).parent
BOOT = str(PACKAGE / "boot")


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": BOOT} | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_each_python_of_a_command_gets_a_capture_of_its_own(tmp_path: Path) -> None:
    capture = tmp_path / "out.lowtide"
    orders = {"LOWTIDE_EXTENSION": str(PACKAGE / "_tracker.abi3.so"), "LOWTIDE_CAPTURE": str(capture)}
    python = f'"{sys.executable}" -c "import os; print(os.getpid())"'
    done = run("sh", "-c", f"{python}; {python}", **orders)
    first, second = done.stdout.split()
    assert sorted(tmp_path.iterdir()) == [capture, Path(f"{capture}.{second}")], (first, done.stderr)


def test_a_python_that_the_program_starts_gets_a_capture_beside_the_programs(tmp_path: Path) -> None:
    capture = tmp_path / "out.lowtide"
    orders = {"LOWTIDE_EXTENSION": str(PACKAGE / "_tracker.abi3.so"), "LOWTIDE_CAPTURE": str(capture)}
    show = "import os; print(os.getpid(), [name for name in os.environ if 'LOWTIDE' in name or 'PYTHON' in name])"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {show!r}])"
    pid, left = run(sys.executable, "-c", start, **orders).stdout.split(maxsplit=1)
    assert left == "[]\n"
    assert sorted(tmp_path.iterdir()) == [capture, Path(f"{capture}.{pid}")]


def test_a_followed_python_that_cannot_be_tracked_just_runs(tmp_path: Path) -> None:
    orders = {"LOWTIDE_EXTENSION": str(tmp_path / "none.so"), "LOWTIDE_CAPTURE": str(tmp_path / "c")}
    show = "import os, sys; print(sorted(os.environ), 'boot' in str(sys.path), 'boot' in str(sys.modules.get('sitecustomize')))"
    done = run(sys.executable, "-c", show, LOWTIDE_STARTED_BY="1", **orders)
    assert (done.returncode, done.stderr) == (0, "")
    assert "LOWTIDE" not in done.stdout
    assert done.stdout.endswith("False False\n")


def test_without_orders_only_the_folder_goes(tmp_path: Path) -> None:
    show = "import os, sys; print('boot' in str(sys.path), os.environ['PYTHONPATH'] == sys.argv[1])"
    assert run(sys.executable, "-c", show, BOOT).stdout == "False True\n"


def test_the_users_python_path_comes_back() -> None:
    show = "import os; print(os.environ.get('PYTHONPATH'), [name for name in os.environ if 'LOWTIDE' in name])"
    assert run(sys.executable, "-c", show, LOWTIDE_PYTHONPATH="a:b").stdout == "a:b []\n"


def test_a_tracker_that_is_no_library_stops_the_program(tmp_path: Path) -> None:
    extension = tmp_path / "broken.so"
    extension.write_text("no library")
    orders = {"LOWTIDE_EXTENSION": str(extension), "LOWTIDE_CAPTURE": str(tmp_path / "out.lowtide")}
    done = run(sys.executable, "-c", "print('ran')", **orders)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lowtide: error: cannot load {extension}: ")
    assert done.stderr.splitlines()[1] == "hint: install lowtide again for this machine and this Python"

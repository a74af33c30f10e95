"""However lowtide ends, the user's files come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from comparing_runs import LOWTIDE, clean_environment, lowtide, write

# It says that it has done its damage, and then waits for ever; a killed starter takes it along.
DESTRUCTIVE = """
import os
open('data.txt', 'w').write('destroyed')
os.remove('other.txt')
os.mkdir('new')
os.write(os.open('ready', os.O_WRONLY), b'x')
open('wait')
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Returns when the program has changed the files."""
    write(folder, "data.txt", "mine\n")
    write(folder, "other.txt", "mine too\n")
    write(folder, "program.py", DESTRUCTIVE)
    for pipe in ("ready", "wait"):
        os.mkfifo(folder / pipe)
    command = f"{sys.executable} program.py"
    words = [LOWTIDE, "prove", "--before", command, "--after", command]
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=clean_environment(folder),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=heed_signals,
    )
    with open(folder / "ready", "rb") as ready:
        assert ready.read(1) == b"x"
    assert (folder / "data.txt").read_text() == "destroyed"
    return process


def heed_signals() -> None:
    """A shell makes what it starts in the background ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.txt")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_puts_everything_back(number: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "user"
    folder.mkdir()
    process = start(folder)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert contents(folder) == {"data.txt": "mine\n", "other.txt": "mine too\n"}
    assert not (folder / "new").exists()
    assert b"every file is as it was" in stderr
    assert process.returncode == -number
    assert list((tmp_path / "user-temporary").iterdir()) == []


def test_after_sigkill_the_next_run_puts_everything_back(tmp_path: Path) -> None:
    folder = tmp_path / "user"
    folder.mkdir()
    process = start(folder)
    process.kill()
    process.communicate()
    assert contents(folder) == {"data.txt": "destroyed"}
    done = lowtide(folder, "prove", "--before", "true", "--after", "true", "--runs", "1")
    assert b"put back" in done.stderr
    assert contents(folder) == {"data.txt": "mine\n", "other.txt": "mine too\n"}
    assert not (folder / "new").exists()
    assert list((tmp_path / "user-temporary").iterdir()) == []


def test_an_original_that_cannot_be_put_back_is_kept_and_its_place_said(tmp_path: Path) -> None:
    folder = tmp_path / "user"
    source = """
        import subprocess
        open('folder/inner.txt', 'w').write('destroyed')
        subprocess.run('rm -r folder; echo in the way > folder', shell=True, check=True)
        """
    write(folder, "folder/inner.txt", "mine\n")
    write(folder, "program.py", source)
    command = f"{sys.executable} program.py"
    done = lowtide(folder, "prove", "--before", command, "--after", command)
    assert done.returncode == 2
    stderr = done.stderr.decode()
    assert f"cannot put {folder}/folder/inner.txt back" in stderr
    kept = stderr.partition("safe in ")[2].split()[0]
    assert Path(kept).read_text() == "mine\n"

"""Signals to a running `lowtide run` begin and end recordings and copy the capture; the program is sent nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from calling import LOWTIDE, lowtide, report

BEGIN, END, COPY = (signal.SIGRTMIN + number for number in (10, 11, 12))

# Each step waits for a line, and says when it is done.
STEPS = """
import sys
kept = {}
def step(name, size):
    kept[name] = bytes(size)
for line in sys.stdin:
    name, size = line.split()
    step(name, int(size))
    # Orders are looked at now and then.
    noise = [str(number) for number in range(2000)]
    del noise
    print("done", flush=True)
"""


class Running:
    """A program under `lowtide run`, step by step."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr
        self.rest = ""

    def step(self, name: str, size: int) -> None:
        self.stdin.write(f"{name} {size}\n")
        self.stdin.flush()
        assert self.stdout.readline() == "done\n"

    def order(self, number: int) -> str:
        """Sends a signal to lowtide, and gives what that says when it has got it."""
        self.process.send_signal(number)
        return self.stderr.readline()


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    (folder / "steps.py").write_text(STEPS)
    command = [LOWTIDE, "run", "--python", sys.executable, *options, "steps.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        run = Running(process)
        if "--paused" in options:
            assert run.stderr.readline().startswith("lowtide: nothing is recorded before: kill -s RTMIN+10 ")
        yield run
        run.stdin.close()
        run.rest = run.stderr.read()
        assert process.wait() == 0, run.rest


def millions_left(folder: Path, capture: str) -> int:
    """What is left of all that `step` made, in millions of bytes."""
    lines = report(folder / capture, folder)["lines"]
    left = [row["left_at_exit_bytes"] for row in lines if row["function"] == "step"]
    return sum(left) // 1_000_000


def test_a_paused_program_is_recorded_from_the_signal_on(tmp_path: Path) -> None:
    with running(tmp_path, "--paused", "--out", "run.lowtide") as run:
        run.step("before", 4_000_000)
        assert run.order(BEGIN) == f"lowtide: recording into {tmp_path / 'run.lowtide'}\n"
        run.step("first", 1_000)
        run.step("within", 2_000_000)
        assert run.order(END) == "lowtide: recording ends\n"
        run.step("last", 1_000)
        run.step("after", 8_000_000)
    assert millions_left(tmp_path, "run.lowtide") == 2
    assert report(tmp_path / "run.lowtide", tmp_path)["recording"]["state"] == "complete"
    assert "kept[name] = bytes(size)" in run.rest


def test_each_recording_that_begins_again_has_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "run-3.lowtide").write_bytes(b"LOWTIDE\0 of an earlier run")
    with running(tmp_path, "--out", "run.lowtide") as run:
        run.step("one", 1_000_000)
        run.order(END)
        run.step("noticed", 1)
        run.step("between", 4_000_000)
        assert run.order(BEGIN) == f"lowtide: recording into {tmp_path / 'run-2.lowtide'}\n"
        run.step("noticed", 1)
        run.step("two", 2_000_000)
    assert millions_left(tmp_path, "run.lowtide") == 1
    assert millions_left(tmp_path, "run-2.lowtide") == 2
    assert "run-2.lowtide" in run.rest


def test_a_snapshot_needs_nothing_of_the_program(tmp_path: Path) -> None:
    """It waits for its input meanwhile."""
    with running(tmp_path, "--out", "run.lowtide") as run:
        run.step("one", 1_000_000)
        assert run.order(COPY) == f"lowtide: snapshot in {tmp_path / 'run-snapshot-1.lowtide'}\n"
        run.step("two", 2_000_000)
        run.order(COPY)
        run.step("three", 4_000_000)
    assert [millions_left(tmp_path, f"run-snapshot-{number}.lowtide") for number in (1, 2)] == [1, 3]
    assert millions_left(tmp_path, "run.lowtide") == 7


def test_a_snapshot_of_a_temporary_capture_stays(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        run.step("one", 1_000_000)
        said = run.order(COPY)
    (copy,) = tmp_path.glob("*.lowtide")
    assert said.endswith(f"{copy.name}\n")
    assert millions_left(tmp_path, copy.name) == 1


def test_nothing_to_copy_is_said(tmp_path: Path) -> None:
    with running(tmp_path, "--paused") as run:
        assert run.order(COPY) == "lowtide: nothing is recorded yet\n"
        run.step("one", 1_000_000)
    assert "nothing was recorded" in run.rest
    assert "hint: it was paused, and got no RTMIN+10 before its end" in run.rest


def test_other_signals_can_be_chosen(tmp_path: Path) -> None:
    with running(tmp_path, "--signals", "SIGRTMIN+3") as run:
        run.step("one", 1_000_000)
        run.process.send_signal(signal.SIGRTMIN + 5)
        assert "snapshot in" in run.stderr.readline()


@pytest.mark.parametrize("name", ["USR1", "RTMIN+29", "9", ""])
def test_a_signal_that_programs_need_is_refused(name: str, tmp_path: Path) -> None:
    done = lowtide("run", "--signals", name, "-c", "print(1)", cwd=tmp_path)
    if name == "":
        assert (done.returncode, done.stdout) == (0, "1\n")
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{name} is not a real-time signal with two more after it" in done.stderr


def test_a_forked_child_follows_the_orders_too(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(
        """
import os, sys
child = os.fork()
for line in sys.stdin if child == 0 else ():
    kept = bytes(int(line))
    noise = [str(number) for number in range(2000)]
    print("done", flush=True)
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    command = [LOWTIDE, "run", "--python", sys.executable, "--paused", "--out", "run.lowtide", "steps.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        run = Running(process)
        run.stderr.readline()

        def step(size: int) -> None:
            run.stdin.write(f"{size}\n")
            run.stdin.flush()
            assert run.stdout.readline() == "done\n"

        step(4_000_000)
        run.order(BEGIN)
        step(1)
        step(2_000_000)
        run.stdin.close()
        run.stderr.read()
    (capture,) = tmp_path.glob("run.lowtide.*")
    lines = report(capture, tmp_path)["lines"]
    churn = sum(row["churn_bytes"] for row in lines if row["line"] == 5)
    assert 2_000_000 <= churn < 3_000_000


def test_a_program_that_is_started_follows_the_orders_too(tmp_path: Path) -> None:
    program = """
import subprocess, sys
for line in sys.stdin:
    child = "kept = bytes(%s); noise = [str(number) for number in range(2000)]" % line.strip()
    subprocess.run([sys.executable, "-c", child], check=True)
    noise = [str(number) for number in range(2000)]
    print("done", flush=True)
"""
    (tmp_path / "steps.py").write_text(program)
    command = [LOWTIDE, "run", "--python", sys.executable, "--paused", "--out", "run.lowtide", "steps.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        run = Running(process)
        run.stderr.readline()

        def start(size: int) -> int:
            run.stdin.write(f"{size}\n")
            run.stdin.flush()
            assert run.stdout.readline() == "done\n"
            return len(list(tmp_path.glob("run.lowtide.*")))

        assert start(4_000_000) == 0
        run.order(BEGIN)
        assert start(2_000_000) == 1
        run.order(END)
        assert start(8_000_000) == 1
        run.stdin.close()
        run.stderr.read()
    (capture,) = tmp_path.glob("run.lowtide.*")
    assert 2_000_000 <= report(capture, tmp_path)["peak"]["heap_bytes"] < 4_000_000


def test_the_programs_own_signals_and_descriptors_are_left_alone(tmp_path: Path) -> None:
    show = "import os, signal; print(os.listdir('/proc/self/fd'), [signal.getsignal(n) for n in range(34, 65)])"
    plain = subprocess.run([sys.executable, "-c", show], cwd=tmp_path, capture_output=True, text=True, check=True)
    done = lowtide("run", "--paused", "-c", show, cwd=tmp_path)
    assert done.stdout == plain.stdout


def test_a_program_that_tracks_itself_can_be_controlled_afterwards(tmp_path: Path) -> None:
    package = pytest.importorskip("lowtide")
    program = STEPS.replace("import sys\n", "import sys, lowtide\n").replace(
        "for line",
        "with lowtide.track() as track:\n    own = bytes(3_000_000)\nassert track.peak_bytes >= 3_000_000\nfor line",
        1,
    )
    (tmp_path / "steps.py").write_text(program)
    command = [LOWTIDE, "run", "--python", sys.executable, "--paused", "--out", "run.lowtide", "steps.py"]
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1])}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        run = Running(process)
        run.stderr.readline()
        run.step("before", 4_000_000)
        run.order(BEGIN)
        run.step("noticed", 1)
        run.step("within", 2_000_000)
        run.stdin.close()
        rest = run.stderr.read()
    assert process.returncode == 0, rest
    assert millions_left(tmp_path, "run.lowtide") == 2

"""Standard streams are handed through untouched."""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comparing import assert_same_program, clean_environment, lowtide_run, python, write


def test_binary_input_and_output(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    done = assert_same_program(
        tmp_path, "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])", stdin=data
    )
    assert done.stdout == data[::-1]


def test_input_line_by_line(tmp_path: Path) -> None:
    assert_same_program(tmp_path, "while True: print(input('? ').upper())", stdin=b"one\ntwo\n")


def test_output_and_error_in_turn(tmp_path: Path) -> None:
    source = "import sys\nfor i in range(100):\n    print(i, flush=True)\n    print(-i, file=sys.stderr)\n"
    assert_same_program(tmp_path, source)


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    script = write(tmp_path, "program.py", "for i in range(10**6): print(i)\n")
    plain, ours = (first_line(command(script), tmp_path) for command in (python, lowtide_run))
    assert ours[:2] == plain[:2]
    assert ours[2].startswith(plain[2])


def first_line(command: list[str], folder: Path) -> tuple[bytes, int, bytes]:
    with subprocess.Popen(
        command, cwd=folder, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()
    return line, process.returncode, error


SHOW_TERMINAL = """
import os, sys
print([(os.isatty(n), os.ttyname(n) == os.ttyname(0)) for n in range(3)], os.get_terminal_size())
print(os.tcgetpgrp(0) == os.getpgrp(), sys.stdout.line_buffering)
print(input("name? "))
"""


def test_a_terminal(tmp_path: Path) -> None:
    script = write(tmp_path, "program.py", SHOW_TERMINAL)
    plain, ours = (on_terminal(command(script), tmp_path) for command in (python, lowtide_run))
    assert b"(True, True), (True, True), (True, True)" in plain
    assert ours.startswith(plain)


def on_terminal(command: list[str], folder: Path) -> bytes:
    """What a terminal shows when the command reads `me` from it."""
    with terminal_of(command, folder) as terminal:
        shown = b""
        # What is typed before the program asks would be shown in front of what it prints.
        while not shown.endswith(b"name? "):
            shown += os.read(terminal, 1024)
        os.write(terminal, b"me\n")
        return shown + rest_of(terminal)


@contextmanager
def terminal_of(command: list[str], folder: Path) -> Iterator[int]:
    """The user's end of a new terminal that the command is the foreground process of."""
    terminal, other_end = os.openpty()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=clean_environment(),
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ):
        os.close(other_end)
        yield terminal
    os.close(terminal)


def rest_of(terminal: int) -> bytes:
    return b"".join(iter(lambda: read_or_end(terminal), b""))


def read_or_end(terminal: int) -> bytes:
    """A terminal whose last process is gone fails to read, instead of an empty read."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_interrupt_by_the_terminal_arrives_once(tmp_path: Path) -> None:
    source = """
    import os, signal, sys
    # A handler may strike while `print` holds the stream.
    signal.signal(signal.SIGINT, lambda number, frame: os.write(1, b"interrupted\\n"))
    os.write(1, b"ready\\n")
    print(sys.stdin.readline(), end="")
    """
    script = write(tmp_path, "program.py", source)
    plain, ours = (interrupted(command(script), tmp_path) for command in (python, lowtide_run))
    assert plain.count(b"interrupted") == 1
    assert ours.startswith(plain)


def interrupted(command: list[str], folder: Path) -> bytes:
    shown = b""
    with terminal_of(command, folder) as terminal:
        for awaited, answer in ((b"ready", b"\x03"), (b"interrupted", b"go on\n")):
            while awaited not in shown:
                shown += os.read(terminal, 4096)
            os.write(terminal, answer)
        return shown + rest_of(terminal)

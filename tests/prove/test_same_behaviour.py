"""What counts as the same behaviour, and what is said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparing_runs import lowtide, prove, write

DIFFERENT = {
    "standard output": ("print('a\\nb')", "print('a\\nc')", "line 2 of the standard output"),
    "standard error": (
        "import sys; print('3 rows', file=sys.stderr)",
        "import sys; print('4 rows', file=sys.stderr)",
        "line 1 of the standard error",
    ),
    "exit status": ("import sys; sys.exit(3)", "import sys; sys.exit(4)", "the exit status"),
    "exception type": ("int('x')", "raise KeyError('x')", "the exception"),
    "exception message": ("int('x')", "int('y')", "the exception"),
    "signal": ("import os; os._exit(9)", "import os; os.kill(os.getpid(), 9)", "the exit status"),
    "file content": (
        "open('out.txt', 'w').write('1\\n2\\n')",
        "open('out.txt', 'w').write('1\\n3\\n')",
        "line 2 of {folder}/out.txt",
    ),
    "file missing": ("open('out.txt', 'w').write('1')", "pass", "{folder}/out.txt"),
    "file removed": ("pass", "import os; os.remove('kept.txt')", "{folder}/kept.txt"),
    "file mode": (
        "import os; os.chmod('kept.txt', 0o600)",
        "import os; os.chmod('kept.txt', 0o640)",
        "{folder}/kept.txt",
    ),
    "file appended to": ("open('kept.txt', 'a').write('x')", "open('kept.txt', 'w').write('x')", "line 1 of"),
}

SAME = {
    "a time": "import sys, time; print(f'took {time.perf_counter():.9f} s', file=sys.stderr)",
    "an address": "import sys; print(object(), file=sys.stderr)",
    "a logged moment": """
        import logging
        logging.basicConfig(format='%(asctime)s %(process)d process %(process)d %(message)s'.replace('%(process)d ', '', 1))
        logging.warning('done')
        """,
    "a raised address": "raise ValueError(object())",
    "random temporary files": """
        import tempfile
        with tempfile.TemporaryDirectory() as folder, open(folder + '/x', 'w') as f:
            f.write('x')
        with tempfile.NamedTemporaryFile() as f:
            f.write(b'x')
        tempfile.mkstemp()
        open(tempfile.mkdtemp() + '/out', 'w').write('left behind')
        """,
    "standard input": "import sys; print(sys.stdin.read()[::-1])",
    "its own file": "print(open(__file__).read(), __file__.rpartition('/')[0])",
    "a line after moving": "print(sorted({3, 1, 2}))",
}

NOT_COMPARABLE = {
    "a clock": ("import time; print(time.perf_counter_ns())", "line 1 of the standard output"),
    "random content": ("import os; open('out', 'wb').write(os.urandom(64))", "{folder}/out"),
    "a random name": ("import uuid; open(uuid.uuid4().hex, 'w').write('x')", "{folder}/"),
    "process ids": ("import os, sys; sys.exit(os.getpid() % 100)", "the exit status"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_is_named_with_its_place(name: str, tmp_path: Path) -> None:
    before, after, place = DIFFERENT[name]
    write(tmp_path, "kept.txt", "kept\n")
    write(tmp_path, "before.py", before)
    write(tmp_path, "after.py", after)
    told = prove(tmp_path, "before.py", "after.py")
    assert told.status == 1
    assert told.record["same_behaviour"] is False
    assert told.record["verdict"] == "refuted"
    assert place.format(folder=tmp_path) in told.record["difference"]["place"]
    assert told.record["saving"] is None


@pytest.mark.parametrize("name", SAME)
def test_times_addresses_and_random_names_are_no_difference(name: str, tmp_path: Path) -> None:
    write(tmp_path, "program.py", SAME[name])
    told = prove(tmp_path, "program.py", "program.py", runs=2, stdin=b"one\ntwo\n")
    assert told.record["same_behaviour"] is True, told.record["reason"]


@pytest.mark.parametrize("name", NOT_COMPARABLE)
def test_a_program_that_differs_from_itself_is_never_judged(name: str, tmp_path: Path) -> None:
    source, place = NOT_COMPARABLE[name]
    write(tmp_path, "program.py", source)
    told = prove(tmp_path, "program.py", "program.py", runs=5)
    assert told.status == 1
    assert told.record["same_behaviour"] is None
    assert told.record["verdict"] == "not comparable"
    assert place.format(folder=tmp_path) in told.record["difference"]["place"]


def test_effects_outside_are_said_before_they_are_repeated(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        import socket, subprocess
        try:
            socket.create_connection(('127.0.0.1', 1))
        except OSError:
            subprocess.run(['true'], check=True)
        """,
    )
    told = prove(tmp_path, "program.py", "program.py")
    assert "connects to 127.0.0.1:1" in told.record["effects"]
    assert any(effect.startswith("starts ") and effect.endswith("/true") for effect in told.record["effects"])
    assert told.stderr.count("reaches outside its files") == 1
    assert "connects to 127.0.0.1:1" in told.stderr


def test_a_file_too_large_to_keep_is_refused(tmp_path: Path) -> None:
    """Sparse, so that it takes no room here; more than any disk has room for."""
    with open(tmp_path / "huge", "wb") as huge:
        huge.truncate(1 << 43)
    write(tmp_path, "program.py", "open('huge', 'r+b').write(b'x')")
    words = ["prove", "--before", "python3 program.py", "--after", "python3 program.py"]
    done = lowtide(tmp_path, *words)
    assert done.returncode == 2
    assert f"kept from changing {tmp_path}/huge" in done.stderr.decode()
    assert "hint:" in done.stderr.decode()
    with open(tmp_path / "huge", "rb") as huge:
        assert huge.read(1) == b"\0"


@pytest.mark.parametrize("command", ["", "'unclosed", "no-such-program-anywhere"])
def test_what_is_no_command_is_an_error_with_a_hint(command: str, tmp_path: Path) -> None:
    done = lowtide(tmp_path, "prove", "--before", command, "--after", "true")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"lowtide: error:" in done.stderr
    assert b"hint:" in done.stderr


def test_a_program_without_python_is_compared_by_rss_and_time(tmp_path: Path) -> None:
    done = lowtide(tmp_path, "prove", "--before", "true", "--after", "true", "--runs", "2")
    assert done.returncode == 1, done.stderr
    assert b"peak RSS" in done.stdout
    assert b"peak heap" not in done.stdout

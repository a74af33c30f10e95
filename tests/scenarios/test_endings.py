"""However a program ends, it ends as without lowtide, and what was recorded up to then can be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from measuring import LOWTIDE, PROGRAM, record

HOLD = "kept = bytes(6_000_000)  # here\n"
ENDINGS = {
    "falls off the end": "",
    "sys.exit(3)": "import sys; sys.exit(3)",
    "sys.exit text": "import sys; sys.exit('sorry')",
    "os._exit(4)": "import os; os._exit(4)",
    "exception": "raise KeyError('gone')",
    "nested exception": "def f():\n    1 / 0\ntry:\n    f()\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "abort": "import os; os.abort()",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_ends_as_without_lowtide_and_is_recorded(ending: str, tmp_path: Path) -> None:
    recorded = record(tmp_path, HOLD + ENDINGS[ending])
    plain = subprocess.run(
        [sys.executable, str(tmp_path / PROGRAM)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert recorded.done.returncode == plain.returncode
    assert recorded.done.stdout == plain.stdout
    assert recorded.done.stderr.startswith(plain.stderr)
    assert recorded.report().line("here")["at_peak_bytes"] >= 6_000_000


def test_killed_at_any_moment_leaves_a_readable_capture(tmp_path: Path) -> None:
    program = tmp_path / PROGRAM
    program.write_text(
        textwrap.dedent(
            """
            import os, signal, sys
            kept = []
            stop = int(sys.argv[1])
            for i in range(1_000_000):
                kept.append([i, i * i, str(i)])
                if i == stop:
                    os.kill(os.getpid(), signal.SIGKILL)
            """
        )
    )
    peaks = []
    for stop in (0, 1, 10, 1_000, 33_333, 300_000):
        recorded = record(tmp_path, program.read_text(), str(stop))
        assert recorded.done.returncode == -signal.SIGKILL
        peaks.append(recorded.report().peak_heap_bytes)
    assert peaks[:3] == pytest.approx([peaks[0]] * 3, abs=10_000)
    assert [peak > stop * 100 for peak, stop in zip(peaks[3:], (1_000, 33_333, 300_000), strict=True)] == [True] * 3


def test_interrupt_from_the_keyboard_reaches_the_program_once(tmp_path: Path) -> None:
    source = "import time\ntry:\n    print('ready', flush=True)\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('caught')\n"
    (tmp_path / PROGRAM).write_text(source)
    process = subprocess.Popen(
        [LOWTIDE, "run", "--python", sys.executable, str(tmp_path / PROGRAM)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert (output, process.returncode) == ("caught\n", 0)


def test_fork_child_has_a_capture_of_its_own(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        import os
        mine = bytes(2_000_000)  # parent
        child = os.fork()
        if child == 0:
            theirs = bytes(9_000_000)  # child
            os._exit(0)
        os.waitpid(child, 0)
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    parent = recorded.report()
    assert parent.line("child")["churn_bytes"] == 0
    children = list(tmp_path.glob("capture.lowtide.*"))
    assert len(children) == 1
    child = recorded.report(children[0])
    assert child.line("child")["at_peak_bytes"] >= 9_000_000
    assert child.line("parent")["at_peak_bytes"] == 0


@pytest.mark.parametrize("damage", ["deleted", "folder made read-only"])
def test_a_capture_lost_while_running_harms_nobody(damage: str, tmp_path: Path) -> None:
    act = {"deleted": "os.remove('capture.lowtide')", "folder made read-only": "os.chmod('.', 0o500)"}[damage]
    recorded = record(tmp_path, f"import os\n{act}\nkept = [str(i) for i in range(100_000)]\nprint(len(kept))\n")
    tmp_path.chmod(0o700)
    assert recorded.done.stdout == "100000\n"
    assert recorded.done.returncode == 0

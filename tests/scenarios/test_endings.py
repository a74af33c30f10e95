"""However a program ends, it ends as without lowtide, and what was recorded up to then can be read."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from measuring import LOWTIDE, PROGRAM, Recorded, record

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
        # A shell makes what it starts in the background ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
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


def test_a_child_that_is_killed_is_said_to_be(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        import os, signal
        theirs = None
        child = os.fork()
        if child == 0:
            theirs = bytes(9_000_000)  # child
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED)
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    assert "killed by signal 9 (SIGKILL)" in recorded.done.stderr
    [child] = recorded.children()
    assert (child.data["signal"], child.data["recording"]["state"]) == (signal.SIGKILL, "cut off")
    assert child.line("child")["at_peak_bytes"] == 9_000_000 + sys.getsizeof(b"")


LEAVES = {
    "os._exit": "os._exit(0)",
    "C's exit": "ctypes.CDLL(None).exit(0)",
    "quick_exit": "ctypes.CDLL(None).quick_exit(0)",
}


@pytest.mark.parametrize("leave", LEAVES)
def test_a_program_that_leaves_at_once_is_recorded_to_its_end(leave: str, tmp_path: Path) -> None:
    recorded = record(tmp_path, f"import ctypes, os\nkept = None\n{HOLD}{LEAVES[leave]}\n")
    assert recorded.done.returncode == 0
    assert recorded.report().data["recording"]["state"] == "complete"
    assert recorded.report().line("here")["at_peak_bytes"] == 6_000_000 + sys.getsizeof(b"")


def test_a_child_of_vfork_leaves_its_parents_recording_alone(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        import subprocess
        kept = None  # its place in the module, so that the line below asks for its bytes only
        try:
            subprocess.run(["/nowhere/program"])  # its child ends with _exit, in this process's memory
        except FileNotFoundError:
            pass
        kept = bytes(6_000_000)  # here
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    assert recorded.report().data["recording"]["state"] == "complete"
    assert recorded.report().line("here")["at_peak_bytes"] == 6_000_000 + sys.getsizeof(b"")
    assert recorded.children() == []


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group whose processes may have 64 MB."""
    limits = {"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"}
    for parent, limit in limits.items():
        group = Path(parent, f"lowtide-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text("64000000")
            yield group
            return
        except OSError:
            continue
        finally:
            group.rmdir()
    pytest.skip("no control group with a limit of memory can be made here")


def test_killed_by_the_kernel_when_memory_runs_out(memory_group: Path, tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        import sys
        open(sys.argv[1], "w").write("0")
        held = b"x" * 20_000_000  # held
        grown = [b"y" * 1_000_000 for _ in range(1000)]  # grown
        """,
        str(memory_group / "cgroup.procs"),
    )
    assert recorded.done.returncode == -signal.SIGKILL
    assert "killed by signal 9 (SIGKILL)" in recorded.done.stderr
    assert "memory limit ran out" in recorded.done.stderr
    report = recorded.report()
    assert report.line("held")["at_peak_bytes"] == 20_000_000 + sys.getsizeof(b"")
    assert 10_000_000 < report.line("grown")["at_peak_bytes"] < 50_000_000


def limit_address_space() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))


def test_memory_that_is_refused_is_not_counted(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        try:
            refused = bytes(2_000_000_000)  # refused
        except MemoryError:
            print("refused")
        kept = bytes(600_000_000)  # here
        """,
        preexec_fn=limit_address_space,
    )
    assert (recorded.done.returncode, recorded.done.stdout) == (0, "refused\n")
    report = recorded.report()
    assert report.line("refused")["churn_bytes"] < 1_000_000
    assert report.line("here")["at_peak_bytes"] == 600_000_000 + sys.getsizeof(b"")


# Each of the functions is a stack of its own, so that the capture has to grow.
MANY_STACKS = """
exec("\\n".join(f"def f{i}(): return [bytes(100_000)]" for i in range(20_000)))
for i in range(20_000):
    kept = globals()[f"f{i}"]()
print("done")
"""


def assert_stopped_for_want_of_space(recorded: Recorded) -> None:
    assert (recorded.done.returncode, recorded.done.stdout) == (0, "done\n"), recorded.done.stderr
    assert "no space is left where the capture is written" in recorded.done.stderr.replace("\n      ", " ")
    # The first line of a module asks 3.10 for some more bytes, which the interpreter keeps.
    besides = recorded.report().line("here")["churn_bytes"] - 6_000_000 - sys.getsizeof(b"")
    assert 0 <= besides < (100 if sys.version_info < (3, 11) else 1)


def test_a_file_that_may_not_grow_stops_the_recording_only(tmp_path: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
    assert_stopped_for_want_of_space(record(tmp_path, HOLD + limit + MANY_STACKS))


def test_a_full_disk_stops_the_recording_only(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        assert_stopped_for_want_of_space(record(disk, HOLD + MANY_STACKS))
    finally:
        subprocess.run(["umount", disk], check=True)


def test_children_of_a_program_whose_captures_folder_is_gone_just_run(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    program = tmp_path / PROGRAM
    program.write_text(
        textwrap.dedent(
            """
            import os, shutil, subprocess, sys
            if len(sys.argv) > 1:
                sys.exit(3)
            shutil.rmtree("captures")
            child = os.fork()
            if child == 0:
                kept = [bytes(100_000) for _ in range(10)]
                os._exit(4)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            print(subprocess.run([sys.executable, __file__, "child"]).returncode)
            """
        )
    )
    command = [LOWTIDE, "run", "--python", sys.executable, "--out", str(folder / "c"), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (0, "4\n3\n"), done.stderr
    assert not folder.exists()

"""Each Python that a program starts has a capture of its own, however it is started; other programs are left alone."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from measuring import Recorded, Report, record

HELD = 5_000_000
EXACTLY = HELD + sys.getsizeof(b"")
# Started again with an argument, the program is its own child.
CHILD = f"""
import os, sys
theirs = None  # A new name may make the dictionary of the module grow.
if len(sys.argv) > 1:
    theirs = bytes({HELD})  # child
    sys.exit(0)
command = [sys.executable, os.path.abspath(__file__), "child"]
"""
WAIT = """
def wait(pid):
    assert os.waitpid(pid, 0)[1] == 0
"""

WAYS = {
    "subprocess": "import subprocess; subprocess.run(command, check=True)",
    "subprocess that forks": "import subprocess; subprocess.run(command, check=True, preexec_fn=lambda: None)",
    "subprocess that spawns": "import subprocess; subprocess.run(command, check=True, close_fds=False)",
    "subprocess in a thread": """
import subprocess, threading
thread = threading.Thread(target=lambda: subprocess.run(command, check=True))
thread.start(); thread.join()
""",
    "subprocess in another folder": "import subprocess; subprocess.run(command, check=True, cwd='/')",
    "subprocess with an empty environment": "import subprocess; subprocess.run(command, check=True, env={})",
    "subprocess with a large environment": """
import subprocess
subprocess.run(command, check=True, env={f"V{i}": "x" for i in range(900)} | {"PYTHONPATH": "/x" * 2000})
""",
    "subprocess by name": """
import subprocess
folder, name = os.path.split(sys.executable)
subprocess.run([name, *command[1:]], check=True, env={"PATH": "/nowhere:" + folder})
""",
    "module": "import subprocess; subprocess.run([sys.executable, '-m', 'program', 'child'], check=True)",
    "options": "import subprocess; subprocess.run([sys.executable, '-X', 'utf8', '-WI', '-su', *command[1:]], check=True)",
    "asyncio": """
import asyncio
async def main():
    assert await (await asyncio.create_subprocess_exec(*command)).wait() == 0
asyncio.run(main())
""",
    "os.spawnv": "assert os.spawnv(os.P_WAIT, sys.executable, command) == 0",
    "os.posix_spawn": "wait(os.posix_spawn(sys.executable, command, os.environ))",
    "os.posix_spawnp": """
os.environ["PATH"], name = os.path.split(sys.executable)
wait(os.posix_spawnp(name, command, os.environ))
""",
    "os.fork and os.execv": """
pid = os.fork()
if pid == 0:
    os.execv(sys.executable, command)
wait(pid)
""",
    "os.fork and os.execve of a descriptor": """
pid = os.fork()
if pid == 0:
    os.execve(os.open(sys.executable, os.O_RDONLY), command, {"A": "1"})
wait(pid)
""",
    "os.execvp": """
os.environ["PATH"], name = "/nowhere:" + os.path.dirname(sys.executable), os.path.basename(sys.executable)
os.execvp(name, command)
""",
    "double fork of a daemon": """
read, write = os.pipe()
os.set_inheritable(write, True)
pid = os.fork()
if pid == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, command)
    os._exit(0)
wait(pid)
os.close(write)
assert os.read(read, 1) == b""  # until the daemon's end closes it
""",
    "a script with its interpreter in the first line": """
import pathlib, subprocess
script = pathlib.Path("tool")
script.write_text(f"#!{sys.executable}\\nimport runpy; runpy.run_path('program.py', run_name='__main__')")
script.chmod(0o755)
subprocess.run(["./tool", "child"], check=True)
""",
    "a script that looks for its interpreter": """
import pathlib, subprocess
folder, name = os.path.split(sys.executable)
script = pathlib.Path("tool")
script.write_text(f"#!/usr/bin/env {name}\\nimport runpy; runpy.run_path('program.py', run_name='__main__')")
script.chmod(0o755)
subprocess.run(["./tool", "child"], check=True, env={"PATH": folder + ":" + os.environ["PATH"]})
""",
    "a Python under another name": """
import subprocess
os.symlink(sys.executable, "renamed")
subprocess.run(["./renamed", *command[1:]], check=True)
""",
}


def followed(recorded: Recorded) -> list[Report]:
    """Reports of all other processes that held what the child holds."""
    return [child for child in recorded.children() if child.line("child")["churn_bytes"]]


@pytest.mark.parametrize("way", WAYS)
def test_a_python_that_is_started_is_recorded(way: str, tmp_path: Path) -> None:
    recorded = record(tmp_path, CHILD + WAIT + WAYS[way])
    assert recorded.done.returncode == 0, recorded.done.stderr
    assert recorded.report().line("child")["churn_bytes"] == 0
    [child] = followed(recorded)
    assert child.line("child")["at_peak_bytes"] == EXACTLY
    assert child.data["recording"]["state"] == "complete"


WAYS_TO_SHARE_WORK = {
    "Process with fork": "with_processes(multiprocessing.get_context('fork'))",
    "Process with spawn": "with_processes(multiprocessing.get_context('spawn'))",
    "Process with forkserver": "with_processes(multiprocessing.get_context('forkserver'))",
    "Pool with fork": "with_pool(multiprocessing.get_context('fork'))",
    "Pool with spawn": "with_pool(multiprocessing.get_context('spawn'))",
    "Pool with forkserver": "with_pool(multiprocessing.get_context('forkserver'))",
    "ProcessPoolExecutor with fork": "with_executor(multiprocessing.get_context('fork'))",
    "ProcessPoolExecutor with spawn": "with_executor(multiprocessing.get_context('spawn'))",
    "ProcessPoolExecutor with forkserver": "with_executor(multiprocessing.get_context('forkserver'))",
}
NAMES = {
    "Process with fork": "multiprocessing Process at ",
    "Process with spawn": "multiprocessing spawn worker",
    "Process with forkserver": "multiprocessing forkserver worker",
    "Pool with fork": "multiprocessing Pool worker at ",
    "Pool with spawn": "multiprocessing spawn worker",
    "Pool with forkserver": "multiprocessing forkserver worker",
    "ProcessPoolExecutor with fork": "ProcessPoolExecutor worker at ",
    "ProcessPoolExecutor with spawn": "multiprocessing spawn worker",
    "ProcessPoolExecutor with forkserver": "multiprocessing forkserver worker",
}
SHARING = f"""
import concurrent.futures, gc, multiprocessing
gc.disable()  # so that nothing but the line itself allocates there

def work(barrier):
    if barrier:
        barrier.wait()  # so that no worker does the work of two
    theirs = bytes({HELD})  # child

def keep(barrier):
    global kept
    kept = barrier

def work_in_pool(_):
    work(kept)

def with_processes(context):
    workers = [context.Process(target=work, args=(None,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0

def with_pool(context):
    with context.Pool(3, initializer=keep, initargs=(context.Barrier(3),)) as pool:
        pool.map(work_in_pool, range(3), chunksize=1)
        pool.close()
        pool.join()

def with_executor(context):
    how = dict(mp_context=context, initializer=keep, initargs=(context.Barrier(3),))
    with concurrent.futures.ProcessPoolExecutor(3, **how) as executor:
        list(executor.map(work_in_pool, range(3)))

if __name__ == "__main__":
"""


@pytest.mark.parametrize("way", WAYS_TO_SHARE_WORK)
def test_each_worker_is_recorded(way: str, tmp_path: Path) -> None:
    recorded = record(tmp_path, SHARING + "    " + WAYS_TO_SHARE_WORK[way])
    assert recorded.done.returncode == 0, recorded.done.stderr
    workers = followed(recorded)
    # CPython may keep a small block of its own there, for the worker that opens the barrier.
    assert [worker.line("child")["at_peak_bytes"] // 100 for worker in workers] == [EXACTLY // 100] * 3
    assert {worker.data["recording"]["state"] for worker in workers} == {"complete"}
    assert {(worker.data["exit_status"], worker.data["peak"]["rss_bytes"] > HELD) for worker in workers} == {(0, True)}
    [name] = {worker.data["name"] for worker in workers}
    assert name.startswith(NAMES[way])
    assert recorded.report().line("child")["churn_bytes"] == 0


NOT_FOLLOWED = {
    "isolated": "run(sys.executable, '-I', *command[1:])",
    "without the environment": "run(sys.executable, '-uE', *command[1:])",
    "without site": "run(sys.executable, '-X', 'utf8', '-S', *command[1:])",
    "through a shell": "run('/bin/sh', '-c', 'true; \"$@\"', 'sh', *command)",
}


@pytest.mark.parametrize("way", NOT_FOLLOWED)
def test_a_python_that_lowtide_cannot_enter_just_runs(way: str, tmp_path: Path) -> None:
    run = "import subprocess\ndef run(*words): subprocess.run(words, check=True)\n"
    recorded = record(tmp_path, CHILD + run + NOT_FOLLOWED[way])
    assert recorded.done.returncode == 0, recorded.done.stderr
    assert recorded.children() == []


def other_pythons() -> list[str]:
    """Pythons too old, of another make or without a GIL, as far as this machine has them."""
    versions = Path.home() / ".pyenv/versions"
    kinds = ("2.7.*", "3.[6-9].*", "pypy*", "*t")
    found = [str(path) for kind in kinds for path in versions.glob(f"{kind}/bin/python")]
    return sorted(filter(None, [*found, shutil.which("pypy3"), shutil.which("python3.13t")]))


def test_a_python_that_cannot_be_measured_runs_as_ever(tmp_path: Path) -> None:
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no Python that cannot be measured is installed here")
    show = "import os, sys; print(sys.path, sorted(os.environ.items()), sorted(sys.modules), sys.argv)"
    source = f"""
    import subprocess, sys
    for python in {pythons!r}:
        subprocess.run([python, "-B", "-c", {show!r}, "a"], check=True)
    """
    recorded = record(tmp_path, source)
    assert recorded.done.returncode == 0, recorded.done.stderr
    assert recorded.children() == []
    plain = plain_output(tmp_path)
    assert recorded.done.stdout == plain


def plain_output(folder: Path) -> str:
    return subprocess.run(
        [sys.executable, str(folder / "program.py")], capture_output=True, text=True, cwd=folder, check=True
    ).stdout


def test_a_process_that_executes_twice_leaves_each_capture(tmp_path: Path) -> None:
    """A process id is used again by each execv, so that its captures need more than that to tell them apart."""
    recorded = record(
        tmp_path,
        f"""
        import os, sys
        rounds = int(sys.argv[1])
        theirs = None
        theirs = bytes({HELD})  # child
        if rounds:
            os.execv(sys.executable, [sys.executable, __file__, str(rounds - 1)])
        """,
        "3",
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    captures = [recorded.report(), *recorded.children()]
    assert [capture.line("child")["at_peak_bytes"] for capture in captures] == [EXACTLY] * 4
    assert len({capture.data["process"]["pid"] for capture in captures}) == 1
    assert {capture.data["recording"]["state"] for capture in captures} == {"complete"}


def test_a_program_that_fails_to_execute_is_recorded_on(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        f"""
        import os
        broken = os.open("broken", os.O_CREAT | os.O_WRONLY, 0o755)
        os.write(broken, b"\\x7fELF and no more")
        os.close(broken)
        for program in ("/nowhere/python3", "./broken"):
            try:
                os.execv(program, [program])
            except OSError as error:
                print(error.errno)
        theirs = bytes({HELD})  # child
        """,
    )
    assert recorded.done.stdout == "2\n8\n"
    assert recorded.report().line("child")["at_peak_bytes"] == EXACTLY
    assert recorded.report().data["recording"]["state"] == "complete"


@pytest.mark.parametrize(
    "start", ["subprocess.run(['env', '-0'])", "os.system('env -0')", "os.execvp('env', ['env', '-0'])"]
)
def test_a_program_that_is_no_python_finds_its_environment_as_it_was(start: str, tmp_path: Path) -> None:
    recorded = record(tmp_path, f"import os, subprocess, sys\nsys.stdout.flush()\n{start}\n")
    assert recorded.done.stdout == plain_output(tmp_path)
    assert recorded.children() == []


def test_the_workers_of_a_server_that_forks_first(tmp_path: Path) -> None:
    """As gunicorn does it: workers share the socket of their master, who ends them with a signal."""
    recorded = record(
        tmp_path,
        f"""
        import os, signal, socket
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listener.accept()
            theirs = bytes({HELD})  # child
            connection.sendall(b"%d" % len(theirs))
            connection.close()
            signal.pause()

        workers = []
        for _ in range(3):
            worker = os.fork()
            if worker == 0:
                serve()
            workers.append(worker)
        for _ in workers:
            with socket.create_connection(listener.getsockname()) as client:
                assert client.recv(100) == b"{HELD}"
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
            assert os.waitpid(worker, 0)[1] == signal.SIGTERM
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    workers = recorded.children()
    assert [worker.line("child")["at_peak_bytes"] for worker in workers] == [EXACTLY] * 3
    assert {worker.data["signal"] for worker in workers} == {signal.SIGTERM}
    assert {worker.data["name"] for worker in workers} == {f"forked at {tmp_path / 'program.py'}:14"}


def test_a_child_that_asks_for_memory_later_is_named_by_the_line_that_forked_it(tmp_path: Path) -> None:
    """From CPython 3.14 on, fork itself asks for none in the child. A native call of it needs not even the GIL."""
    recorded = record(
        tmp_path,
        f"""
        import ctypes, os

        def work():
            theirs = bytes({HELD})  # child
            os._exit(0)

        def main(fork):
            child = fork()
            if child == 0:
                work()
            os.waitpid(child, 0)

        for fork in os.fork, ctypes.CDLL(None).fork, ctypes.PyDLL(None).fork:
            main(fork)
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    names = [child.data["name"] for child in recorded.children()]
    assert names == [f"forked at {tmp_path / 'program.py'}:9"] * 3


def test_a_child_of_a_function_that_forked_and_returned_is_named_by_its_caller(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        f"""
        import ctypes, os
        native_fork = ctypes.PyDLL(None).fork

        def fork():
            return native_fork()

        def main():
            child = fork()
            if child == 0:
                theirs = bytes({HELD})  # child
                os._exit(0)
            os.waitpid(child, 0)

        main()
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    (child,) = recorded.children()
    assert child.data["name"] == f"forked at {tmp_path / 'program.py'}:9"


def test_processes_stand_under_the_one_that_started_them(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        import os, subprocess, sys
        if len(sys.argv) == 1:
            child = os.fork()
            if child == 0:
                subprocess.run([sys.executable, __file__, "grandchild"], check=True)
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    [child, grandchild] = [report.data for report in recorded.children()]
    program = tmp_path / "program.py"
    assert (child["name"], child["parent"], child["exit_status"]) == (f"forked at {program}:4", None, 7)
    assert (grandchild["name"], grandchild["parent"]) == (f"python {program} grandchild", 0)
    assert grandchild["exit_status"] == 0
    assert child["process"]["parent_pid"] == recorded.report().data["process"]["pid"]
    assert grandchild["process"]["parent_pid"] == child["process"]["pid"]

"""What a program starts finds the same as without lowtide, whether it is a Python that is recorded too or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparing import assert_same_program, clean_environment

SHOW = """
import os, sys
if len(sys.argv) > 1:
    print(sys.argv, sys.orig_argv[1:], sys.flags, __name__, __file__)
    print(sys.path, list(os.environ.items()), list(sys.path_importer_cache))
    print(list(sys.modules), sys.meta_path, sys.path_hooks)
    with os.popen("env") as shell:
        print(shell.read())
    sys.exit(int(sys.argv[1]))
"""
START = """
import subprocess
def start(*words, **how):
    print(subprocess.run([sys.executable, *words], **how).returncode, flush=True)
"""

STARTS = {
    "as it comes": "start('program.py', '3')",
    "without variables": "start('program.py', '0', env={})",
    "with variables in an order of their own": "start('program.py', '0', env={'Z': '1', 'PYTHONPATH': 'x::y:', 'A': '2'})",
    "with a PYTHONPATH that is empty": "start('program.py', '0', env={'PYTHONPATH': '', 'A': '2'})",
    "isolated": "start('-I', 'program.py', '0')",
    "without site": "start('-S', 'program.py', '0')",
    "with a safe path": "start('-X', 'dev', '-Wignore', 'program.py', '0')",
    "as code": 'start(\'-c\', \'import sys; sys.argv.append("0"); exec(open("program.py").read(), {**globals(), "__file__": "x"})\')',
    "as a module": "start('-m', 'program', '0')",
    "that raises": "start('-c', 'def f(): raise ValueError(1)\\nf()')",
    "that is no Python": "os.system('env'); subprocess.run(['env'], env={'PYTHONPATH': 'x', 'A': '1'})",
    "that is not there": """
for name in ("/nowhere/python3", "python3-of-nowhere"):
    try:
        subprocess.run([name])
    except OSError as error:
        print(repr(error), error.filename)
""",
    "with open descriptors": """
start('-c', 'import os; print(sorted(int(fd) for fd in os.listdir("/proc/self/fd")))')
""",
    "by exec": "sys.stdout.flush(); os.execv(sys.executable, [sys.executable, 'program.py', '5'])",
    "by a spawned worker": """
import multiprocessing
def work(_): return sys.argv, sys.path, sorted(sys.modules), list(os.environ.items())
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1]))
        pool.close()
        pool.join()
""",
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("path", [None, "lib"])
def test_a_child(start: str, path: str | None, tmp_path: Path) -> None:
    variables = {} if path is None else {"PYTHONPATH": path}
    assert_same_program(tmp_path, SHOW + START + STARTS[start], environment=clean_environment(**variables))

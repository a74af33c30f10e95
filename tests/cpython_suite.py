"""Runs CPython's own regression tests with and without lowtide and prints every test whose result differs.

    python tests/cpython_suite.py --python python3.13 [test_gc test_threading ...]

The exit status is 0 when every result is the same. A test file runs alone in a process of its own, once plain and once
under `lowtide run`; results are compared per test method, from the verbose output of unittest.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

FILES = (
    "test_gc test_threading test_thread test_fork1 test_subprocess test_asyncio test_generators test_coroutines "
    "test_ctypes test_mmap test_io test_sys test_sys_settrace test_cprofile test_tracemalloc test_weakref "
    "test_finalization test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn "
    "test_multiprocessing_main_handling"
).split()
# `test_name (package.Class.test_name) ... ok`; a docstring may stand on a line between.
RESULT = re.compile(
    r"^(?P<test>\w+ \([\w.]+\))(?:\n[^\n]*)?? \.\.\. (?:[^\n]*\n)*?(?P<result>ok|FAIL|ERROR|skipped[^\n]*|expected failure)$",
    re.MULTILINE,
)
SECONDS = 1200


def main() -> int:
    options = parse_arguments()
    wanted = options.files or list(available(options.python))
    differing = 0
    for file in wanted:
        plain = results_of([options.python], file)
        ours = results_of([options.lowtide, "run", "--python", options.python], file)
        differences = sorted(test for test in plain.keys() | ours.keys() if plain.get(test) != ours.get(test))
        differing += len(differences)
        print(f"{file}: {len(plain)} results, {len(differences)} differ", flush=True)
        for test in differences:
            print(f"    {test}: {plain.get(test, 'missing')} -> {ours.get(test, 'missing')}", flush=True)
    print(f"{len(wanted)} files, {differing} results differ")
    return 1 if differing else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--lowtide", default=shutil.which("lowtide") or "lowtide")
    parser.add_argument("files", nargs="*", help="test files (default: those that touch what a tracker touches)")
    options = parser.parse_args()
    options.python = shutil.which(options.python) or options.python
    return options


def available(python: str) -> Iterator[str]:
    """The names of FILES in that version; packages such as test_asyncio are listed by their modules."""
    command = [python, "-m", "test", "--list-tests"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for file in FILES:
        yield from (name for name in listed if name == file or name.startswith((f"{file}.", f"test.{file}.")))


def results_of(interpreter: list[str], file: str) -> dict[str, str]:
    """Result of each test method, plus the exit status of the whole file."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        with open(log, "wb") as output:
            command = [*interpreter, "-m", "test", "-v", "--timeout", str(SECONDS), file]
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
            )
        with open(log, encoding="utf-8", errors="replace") as output:
            text = output.read()
    results = {match["test"]: match["result"].split()[0] for match in RESULT.finditer(text)}
    return results | {"exit status": str(done.returncode)}


if __name__ == "__main__":
    sys.exit(main())

"""Runs CPython's own regression tests with and without lowtide and prints every test whose result differs.

    python tests/cpython_suite.py --python python3.13 [test_gc test.test_asyncio.test_tasks ...]

The exit status is 0 when every result is the same. A test file runs alone in a process of its own, once plain and once
under `lowtide run`; results are compared per test method, from the verbose output of unittest.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FILES = (
    "test_gc test_threading test_thread test_fork1 test_subprocess test_asyncio test_generators test_coroutines "
    "test_ctypes test_mmap test_io test_sys test_sys_settrace test_cprofile test_tracemalloc test_weakref "
    "test_finalization test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn "
    "test_multiprocessing_main_handling"
).split()
# CPython 3.11.7 installs the tests of multiprocessing, but not the packages that run them for each way to start.
STARTS = ("fork", "forkserver", "spawn")
MULTIPROCESSING = {
    "test_manager": "only_type='manager'",
    "test_processes": "only_type='processes'",
    "test_threads": "only_type='threads'",
    "test_misc": "exclude_types=True",
}
# `test_name (package.Class.test_name) ... ok`; a docstring may stand on a line between, and whatever the test printed.
TEST = r"\w+ \([\w.]+\)"
RESULT = re.compile(
    rf"^(?P<test>{TEST})(?:\n[^\n]*)?? \.\.\. (?:(?!{TEST})[^\n]*\n)*?"
    r"(?P<result>ok|FAIL|ERROR|skipped[^\n]*|expected failure)$",
    re.MULTILINE,
)
SECONDS = 1200
WRITTEN = "written"


def main() -> int:
    options = parse_arguments()
    # What a shell starts in the background ignores this signal, and so would every test, some of them for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = options.files or list(available(options.python, options.logs / WRITTEN))
    differing = 0
    for file in wanted:
        plain = results_of([options.python], file, options.logs / f"{file}.plain.txt")
        launcher = [options.lowtide, "run", "--python", options.python]
        ours = results_of(launcher, file, options.logs / f"{file}.lowtide.txt")
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
    parser.add_argument(
        "--logs", type=Path, default=ROOT / "target" / "cpython-suite", help="what the tests print goes here"
    )
    parser.add_argument("files", nargs="*", help="test files (default: those that touch what a tracker touches)")
    options = parser.parse_args()
    options.logs = options.logs.resolve()
    options.logs.mkdir(parents=True, exist_ok=True)
    options.python = shutil.which(options.python) or options.python
    return options


def available(python: str, written: Path) -> Iterator[str]:
    """The names of FILES in that version; packages such as test_asyncio are listed by their modules."""
    command = [python, "-m", "test", "--list-tests"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for file in FILES:
        found = [name for name in listed if name == file or name.startswith((f"{file}.", f"test.{file}."))]
        method = file.removeprefix("test_multiprocessing_")
        yield from found or (write_multiprocessing(written, method) if method in STARTS else [])


def write_multiprocessing(folder: Path, method: str) -> list[str]:
    """Writes the package that is missing into the folder; the names of its modules."""
    package = folder / f"test_multiprocessing_{method}"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    for module, types in MULTIPROCESSING.items():
        text = "from test._test_multiprocessing import install_tests_in_module_dict as install\n"
        (package / f"{module}.py").write_text(f"{text}install(globals(), {method!r}, {types})\n")
    return [f"{package.name}.{module}" for module in MULTIPROCESSING]


def results_of(interpreter: list[str], file: str, log: Path) -> dict[str, str]:
    """Result of each test method, plus the exit status of the whole file."""
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as output:
        written = log.parent / WRITTEN
        where = ["--testdir", str(written)] if (written / file.partition(".")[0]).is_dir() else []
        command = [*interpreter, "-m", "test", "-v", "--timeout", str(SECONDS), *where, file]
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    text = log.read_text(encoding="utf-8", errors="replace")
    results = {match["test"]: match["result"].split()[0] for match in RESULT.finditer(text)}
    return results | {"exit status": str(done.returncode)}


if __name__ == "__main__":
    sys.exit(main())

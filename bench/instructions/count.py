"""Counts the instructions that lowtide adds to one allocation and its free, and says what they are spent on.

    python bench/instructions/count.py                    all cases of cases.py on this Python
    python bench/instructions/count.py small deep --functions 20

Needs valgrind, addr2line, cc and cargo. The tracker is built as released, with line tables besides. Each case runs under
callgrind with two counts, plain and under `lowtide run`; the difference of the two is free of start-up and exit, and the
difference of plain and tracked is what lowtide adds. Instructions of the tracker are named by their innermost function
in its sources, inlined or not; the rest of what is added is CPython and the C library being called another way.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cases

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILT = ROOT / "target" / "instructions"
TRACKER = BUILT / "release" / "liblowtide_tracker.so"
TRACKED = [str(BUILT / "release" / "lowtide"), "run", "--out"]
COUNTS = (8_000, 48_000)
LEAST_SHOWN = 0.1


@dataclass(frozen=True)
class Run:
    """Instructions of one process: of each address of the tracker, counted from its start, and of all the rest."""

    tracker: Counter[int]
    elsewhere: int


def main() -> int:
    options = parse_arguments()
    build()
    print(f"CPython {sys.version.split()[0]}: instructions per repetition of a case, added to the plain program")
    with tempfile.TemporaryDirectory(prefix="lowtide-instructions-") as scratch:
        library = Path(scratch, "native_pairs.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, HERE / "native_pairs.c"], check=True)
        for case in options.cases:
            plain = spent(case, [], library, Path(scratch))
            tracked = spent(case, [*TRACKED, str(Path(scratch, "capture")), "--python"], library, Path(scratch))
            show(case, plain.elsewhere, tracked, options.functions)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [case.__name__ for case in cases.CASES]
    parser.add_argument("cases", nargs="*", metavar="case", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--functions", type=int, default=8, help="how many functions are named per case (default 8)")
    options = parser.parse_args()
    unknown = set(options.cases) - set(names)
    if unknown:
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}")
    options.cases = [case for case in cases.CASES if not options.cases or case.__name__ in options.cases]
    return options


def build() -> None:
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--target-dir", BUILT]
    packages = ["-p", "lowtide-cli", "-p", "lowtide-tracker"]
    variables = os.environ | {"CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only", "CARGO_PROFILE_RELEASE_STRIP": "none"}
    subprocess.run([*command, *packages], cwd=ROOT, env=variables, check=True)


@dataclass(frozen=True)
class Spent:
    """Instructions per repetition of a case."""

    by_compiled_function: Counter[str]
    by_written_function: Counter[str]
    elsewhere: float


def spent(case, launcher: list[str], library: Path, scratch: Path) -> Spent:
    fewer, more = (run(case, count, launcher, library, scratch) for count in COUNTS)
    repetitions = COUNTS[1] - COUNTS[0]
    written_as = dict(functions_of({address for _, address in more.tracker | fewer.tracker}))
    result = Spent(Counter(), Counter(), (more.elsewhere - fewer.elsewhere) / repetitions)
    for function, address in more.tracker | fewer.tracker:
        instructions = (more.tracker[function, address] - fewer.tracker[function, address]) / repetitions
        result.by_compiled_function[function] += instructions
        result.by_written_function[written_as[address]] += instructions
    return result


def run(case, count: int, launcher: list[str], library: Path, scratch: Path) -> Run:
    program = [sys.executable, str(HERE / "cases.py"), case.__name__, str(count), str(library)]
    # Positions of instructions, and nothing abbreviated: easier to read.
    callgrind = ["valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", "--dump-instr=yes"]
    output = [f"--callgrind-out-file={scratch}/%p", "--compress-strings=no", "--compress-pos=no"]
    # No run finds a file that the one before it compiled.
    variables = os.environ | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*callgrind, *output, *launcher, *program],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{case.__name__} failed:\n{done.stderr}")
    written = [path for path in scratch.iterdir() if path.name.isdigit()]
    text = next(text for text in map(Path.read_text, written) if is_of_program(text))
    for path in written:
        path.unlink()
    return read(text)


def is_of_program(text: str) -> bool:
    """Of all processes under callgrind, the one whose command is the program itself and no launcher."""
    command = re.search(r"^cmd: (.*)$", text, re.MULTILINE)
    return command is not None and command[1].strip().startswith(sys.executable)


def read(text: str) -> Run:
    """Self cost of each instruction (callgrind's format: valgrind.org/docs/manual/cl-format.html)."""
    tracker: Counter[tuple[str, int]] = Counter()
    elsewhere = 0
    function = ""
    in_tracker = is_call = False
    for line in text.splitlines():
        if line.startswith("ob="):
            in_tracker = "lowtide_tracker" in line
        elif line.startswith("fn="):
            function = line[3:]
        elif line.startswith("calls="):
            is_call = True
        elif line.startswith("0x"):
            address, _, cost = (*line.split(), "0")[:3]
            if is_call:
                is_call = False
            elif in_tracker:
                tracker[function, int(address, 16)] += int(cost)
            else:
                elsewhere += int(cost)
    return Run(tracker, elsewhere)


def functions_of(addresses: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The innermost function of lowtide's own sources at each address: what is inlined of the standard library is its."""
    asked = "\n".join(map(hex, addresses))
    command = ["addr2line", "--exe", TRACKER, "--addresses", "--inlines"]
    text = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
    for answer in re.split(r"^(?=0x[0-9a-f]+$)", text, flags=re.MULTILINE)[1:]:
        address, *places = answer.splitlines()
        own = (re.match(rf"({ROOT}/crates/.*\.rs):([1-9]\d*)", place) for place in places)
        found = next(filter(None, own), None)
        yield int(address, 16), function_at(found[1], int(found[2])) if found else "no line known"


@functools.cache
def function_at(file: str, line: int) -> str:
    """addr2line misnames inlined functions, so the name is read off the source."""
    above = Path(file).read_text().splitlines()[:line]
    starts = (
        re.match(r"\s*(?:pub(?:\(\w+\))? |const |unsafe |extern \"C\" )*fn (\w+)", text) for text in reversed(above)
    )
    name = next(filter(None, starts), None)
    crate, _, module = file.partition("/crates/")[2].partition("/src/")
    return f"{Path(crate).name} {module.removeprefix('raw/')} {name[1] if name else ''}"


def show(case, plain: float, tracked: Spent, most: int) -> None:
    of_tracker = sum(tracked.by_written_function.values())
    print(f"\n{case.__name__}: {case.__doc__}")
    print(f"  {of_tracker + tracked.elsewhere - plain:9.1f}  added to {plain:.1f}")
    print(f"  {tracked.elsewhere - plain:9.1f}    in CPython and the C library")
    print(f"  {of_tracker:9.1f}    in the tracker, as compiled:")
    show_heaviest(tracked.by_compiled_function, most)
    print(f"  {'':9}    and as written:")
    show_heaviest(tracked.by_written_function, most)


def show_heaviest(spent: Counter[str], most: int) -> None:
    named = [(name, instructions) for name, instructions in spent.most_common(most) if instructions >= LEAST_SHOWN]
    for name, instructions in named:
        print(f"  {instructions:9.1f}      {name.removeprefix('lowtide_')}")
    rest = sum(spent.values()) - sum(instructions for _, instructions in named)
    if rest >= LEAST_SHOWN:
        print(f"  {rest:9.1f}      all others", flush=True)


if __name__ == "__main__":
    sys.exit(main())

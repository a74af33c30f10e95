"""Checks that crates depend on each other only along the data's way, and that a measured program carries little.

    python tests/layers.py        exit status 1 and one line per violation, or 0

`cargo metadata` says what depends on what, `cargo tree` what is carried into a measured program: what goes there is built
for itself, without the features that others ask of its libraries. Dependencies of tests are free.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "lowtide-"
# A crate may use those above it.
DATAS_WAY = """
    units
    cpython capture interpose unwind tracker launch symbols profile
    source rules findings
    fix journal stage prove slim
    report cli
""".split()
# Crates that never learn of each other, though the order would permit it.
APART = [
    ("rules", "profile", "a rule never sees bytes"),
    ("source", "profile", "the source says nothing about bytes"),
    ("launch", "tracker", "the tracker lives in the program, the launcher outside"),
    ("profile", "tracker", "they meet in the capture alone"),
    ("profile", "launch", "a profile is made from captures alone"),
]
# What is loaded into a measured program: nothing else of ours, nothing else of others.
IN_THE_PROGRAM = {
    "tracker": {
        *("units", "cpython", "capture", "interpose", "unwind"),
        *("gimli", "libc", "libm", "object", "memchr", "pyo3-ffi", "thiserror"),
    },
    "stage": {"journal", "interpose", "libc", "object", "memchr", "pyo3-ffi", "thiserror"},
}
# Libraries that only one crate may use.
RESERVED = {"ruff_": "source", "blazesym": "symbols", "clap": "cli", "anyhow": "cli", "indicatif": "cli"}


class Dependencies:
    """What each package uses, by name: edges of ordinary dependencies, without those that only run in the compiler."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        packages = {package["id"]: package for package in metadata["packages"]}
        in_compiler = {key for key, package in packages.items() if is_proc_macro(package)}
        self.ours = {short_name(packages[key]["name"]) for key in metadata["workspace_members"]}
        self.used: dict[str, set[str]] = {}
        for node in metadata["resolve"]["nodes"]:
            used = {edge["pkg"] for edge in node["deps"] if is_ordinary(edge)} - in_compiler
            name = short_name(packages[node["id"]]["name"])
            self.used[name] = {short_name(packages[key]["name"]) for key in used}

    def all_used_by(self, crate: str) -> set[str]:
        found: set[str] = set()
        pending = [crate]
        while pending:
            new = self.used.get(pending.pop(), set()) - found
            found |= new
            pending.extend(new)
        return found


def is_proc_macro(package: dict[str, Any]) -> bool:
    return any("proc-macro" in target["kind"] for target in package["targets"])


def is_ordinary(edge: dict[str, Any]) -> bool:
    return any(kind["kind"] is None for kind in edge["dep_kinds"])


def short_name(package: str) -> str:
    return package.removeprefix(PREFIX)


def violations(dependencies: Dependencies, carried: dict[str, set[str]]) -> Iterator[str]:
    for crate in sorted(dependencies.ours):
        if crate not in DATAS_WAY:
            yield f"{crate} has no place in the data's way"
            continue
        below = set(DATAS_WAY[DATAS_WAY.index(crate) :])
        for used in sorted(dependencies.used[crate] & dependencies.ours & below):
            yield f"{crate} uses {used}, which stands below it"
    for crate, other, reason in APART:
        if other in dependencies.all_used_by(crate):
            yield f"{crate} uses {other}: {reason}"
    for crate, allowed in IN_THE_PROGRAM.items():
        for used in sorted(carried[crate] - allowed):
            yield f"{crate} carries {used} into measured programs"
    yield from misplaced_libraries(dependencies)


def misplaced_libraries(dependencies: Dependencies) -> Iterator[str]:
    for library, owner in RESERVED.items():
        for crate in sorted(dependencies.ours - {owner}):
            for used in sorted(dependencies.used[crate]):
                if used == library or (library.endswith("_") and used.startswith(library)):
                    yield f"{crate} uses {used}, which is for {owner} alone"


def carried_by(crate: str) -> set[str]:
    command = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none"]
    command += ["--format", "{p}", "--package", PREFIX + crate]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {short_name(line.split()[0]) for line in told.splitlines()} - {crate}


def main() -> int:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if told.returncode:
        return told.returncode
    dependencies = Dependencies(json.loads(told.stdout))
    found = list(violations(dependencies, {crate: carried_by(crate) for crate in IN_THE_PROGRAM}))
    for violation in found:
        print(f"layers: {violation}")
    print(f"layers: {len(dependencies.ours)} crates, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

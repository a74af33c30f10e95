"""Finds the CPythons that tests run on.

    python tests/pythons.py       prints their paths, joined by colons, and says on standard error which are missing

Looked at, in this order: LOWTIDE_TEST_PYTHONS (paths joined by colons; then nothing else), `pythonX.Y` on PATH, the
versions that pyenv has installed, and the Python that runs this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "LOWTIDE_TEST_PYTHONS"
SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
ASK = (
    "import sys; i = sys.implementation; print(sys.executable, i.name, sys.abiflags + '-', '%d.%d.%d' % i.version[:3])"
)


@dataclass(frozen=True)
class Python:
    """An interpreter that runs here."""

    path: Path
    version: str

    @property
    def feature_version(self) -> str:
        return self.version.rpartition(".")[0]


def found() -> dict[str, Python]:
    """The first CPython with the GIL of each supported version, by feature version."""
    pythons: dict[str, Python] = {}
    for python in filter(None, map(asked, candidates())):
        pythons.setdefault(python.feature_version, python)
    return {version: pythons[version] for version in SUPPORTED if version in pythons}


def candidates() -> Iterable[str | Path]:
    named = os.environ.get(VARIABLE)
    return named.split(":") if named else usual_places()


def usual_places() -> Iterator[str | Path]:
    for version in SUPPORTED:
        yield from filter(None, [shutil.which(f"python{version}")])
    for version in SUPPORTED:
        yield from sorted(pyenv_root().glob(f"versions/{version}.*/bin/python"), reverse=True)
    yield sys.executable


def pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def asked(candidate: str | Path) -> Python | None:
    """What an interpreter says of itself; `None` if it does not run (a pyenv shim may not) or is no usual CPython."""
    done = subprocess.run([candidate, "-c", ASK], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    path, implementation, flags, version = done.stdout.split()
    return Python(Path(path), version) if implementation == "cpython" and "t" not in flags else None


def describe(pythons: dict[str, Python]) -> str:
    lines = [f"CPython {python.version}: {python.path}" for python in pythons.values()]
    lines += [f"CPython {version}: not found, so not tested" for version in SUPPORTED if version not in pythons]
    return "\n".join(lines)


def main() -> int:
    pythons = found()
    print(describe(pythons), file=sys.stderr)
    print(":".join(str(python.path) for python in pythons.values()))
    return 0 if pythons else 1


if __name__ == "__main__":
    sys.exit(main())

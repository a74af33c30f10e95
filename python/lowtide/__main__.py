"""`python -m lowtide` becomes the native command, with this interpreter for the programs that it runs."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
RUNS_PROGRAMS = ("run", "slim")


def main() -> None:
    command = find_command()
    if command is None:
        sys.stderr.write("lowtide: error: the lowtide command is missing\nhint: install lowtide again with pip\n")
        sys.exit(2)
    os.execv(command, [str(command), *with_this_python(sys.argv[1:])])


def find_command() -> Path | None:
    return next((path for path in places() if os.access(path, os.X_OK)), None)


def places() -> Iterator[Path]:
    """Where installers put commands: the environment's, the user's, `--target`'s; last, what cargo built last."""
    yield Path(sysconfig.get_path("scripts"), "lowtide")
    yield Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")), "lowtide")
    yield PACKAGE.parent / "bin" / "lowtide"
    built = [PACKAGE.parents[1] / "target" / profile / "lowtide" for profile in ("release", "debug")]
    yield from sorted(filter(Path.is_file, built), key=lambda path: path.stat().st_mtime, reverse=True)


def with_this_python(arguments: list[str]) -> list[str]:
    """Names this interpreter first, so that a `--python` of the user's, which comes later, wins."""
    at = subcommand_index(arguments)
    if at is None or arguments[at] not in RUNS_PROGRAMS:
        return arguments
    return [*arguments[: at + 1], "--python", sys.executable, *arguments[at + 1 :]]


def subcommand_index(arguments: list[str]) -> int | None:
    """The first word that is neither an option nor the value of `--color`, the only global option with one."""
    words = enumerate(arguments)
    return next((i for i, word in words if word[:1] != "-" and arguments[i - 1 : i] != ["--color"]), None)


if __name__ == "__main__":
    main()

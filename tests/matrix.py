"""Runs the tests on every supported CPython: on those found here, and on newer ones in Debian's unstable distribution.

    sudo python tests/matrix.py WHEEL [pytest arguments]

The distribution goes into .matrix/, made by debootstrap the first time. Everything is mounted in a namespace of its own,
so that nothing stays mounted. The exit status is 0 when every supported version was there and passed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pythons import SUPPORTED, found

ROOT = Path(__file__).resolve().parents[1]
MATRIX = ROOT / ".matrix"
DISTRIBUTION = MATRIX / "sid"
WHEELS = MATRIX / "wheels"
VERSIONS = ("3.14", "3.15")
# The compilers are for the native programs that tests drive.
PACKAGES = ",".join([*(f"python{version},python{version}-venv" for version in VERSIONS), "gcc", "g++", "patch"])
PROGRAMS = (*(f"python{version}" for version in VERSIONS), "cc", "c++")
# Where things are as seen from inside of the distribution.
INSIDE = Path("/lowtide")
ENVIRONMENTS = Path("/var/tmp/lowtide")
MOUNTED = """
set -e
distribution=$1 root=$2 inside=$3
shift 3
mount --make-rprivate /
mount -t proc proc "$distribution/proc"
mount --rbind /dev "$distribution/dev"
mount --bind "$root" "$distribution$inside"
exec chroot "$distribution" "$@"
"""


def main(wheel: str, *arguments: str) -> int:
    here = subprocess.run([sys.executable, ROOT / "tests/on_each_python.py", wheel, *arguments], check=False).returncode
    untested = set(SUPPORTED) - found().keys() - set(VERSIONS)
    missing = what_is_missing()
    if missing:
        untested |= set(VERSIONS) - found().keys()
        print(f"matrix: {missing}")
    there = 0 if missing else in_distribution(wheel, arguments)
    for version in sorted(untested):
        print(f"matrix: not tested on CPython {version}")
    return 1 if here or there or untested else 0


def in_distribution(wheel: str, arguments: tuple[str, ...]) -> int:
    prepare_distribution()
    collect_wheels()
    runner = ENVIRONMENTS / "runner"
    make_runner = [f"python{VERSIONS[-1]}", "-m", "venv", "--clear", str(runner)]
    inside(make_runner)
    test = [str(runner / "bin/python"), str(INSIDE / "tests/on_each_python.py"), str(INSIDE / seen_from_root(wheel))]
    return inside([*test, *arguments], check=False)


def what_is_missing() -> str | None:
    if os.geteuid() != 0:
        return "only root may make a distribution and enter it (try sudo)"
    tools = [tool for tool in ("debootstrap", "unshare", "chroot") if shutil.which(tool) is None]
    return f"{' and '.join(tools)} cannot be found (on Debian: apt install debootstrap)" if tools else None


def prepare_distribution() -> None:
    """Makes the distribution, unless it is there with all its programs. Half a one, from an interrupted run, is made again."""
    if not all(os.path.lexists(DISTRIBUTION / "usr/bin" / name) for name in PROGRAMS):
        shutil.rmtree(DISTRIBUTION, ignore_errors=True)
        MATRIX.mkdir(exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "sid", str(DISTRIBUTION)]
        subprocess.run(command, check=True)
    (DISTRIBUTION / INSIDE.relative_to("/")).mkdir(exist_ok=True)


def collect_wheels() -> None:
    """What the tests need comes from outside: inside there may be no network, and there are no certificates."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", str(WHEELS)]
    for version in VERSIONS:
        wanted = ["--python-version", version, "-r", str(ROOT / "requirements-test.txt")]
        subprocess.run([*command, *wanted], check=True)


def inside(command: list[str], *, check: bool = True) -> int:
    """Runs a command inside of the distribution, with nothing of the environment outside but the way to the wheels."""
    variables = {
        "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": os.environ.get("TERM", "dumb"),
        "LOWTIDE_TEST_PYTHONS": ":".join(f"/usr/bin/python{version}" for version in VERSIONS),
        "LOWTIDE_TEST_ENVIRONMENTS": str(ENVIRONMENTS),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(INSIDE / seen_from_root(WHEELS)),
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    mounted = ["unshare", "--mount", "sh", "-c", MOUNTED, "sh", str(DISTRIBUTION), str(ROOT), str(INSIDE)]
    return subprocess.run([*mounted, *command], env=variables, check=check).returncode


def seen_from_root(path: str | Path) -> Path:
    return Path(path).resolve().relative_to(ROOT)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Where captures go: files that were asked for, and temporary ones."""

from __future__ import annotations

import os
import weakref

from lowtide._errors import TrackingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    StrPath = str | os.PathLike[str]

_MAGIC = b"LOWTIDE\0"


def absolute(path: StrPath) -> str:
    return os.path.abspath(os.fspath(path))


def check_replaceable(path: str) -> None:
    """A missing file, an empty one and an earlier capture may be replaced; a script named by mistake may not."""
    try:
        with open(path, "rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise TrackingError(f"cannot write {path}: {error.strerror}", "name a file that may be written") from error
    if start not in (b"", _MAGIC):
        raise TrackingError(f"{path} exists and is not a capture", "choose another name, or remove that file first")


def remove_children(path: str) -> None:
    """What the processes of an earlier recording left beside its capture would pass for this recording's."""
    folder, name = os.path.split(path)
    for other in _listed(folder):
        pids = other[len(name) :].split(".")
        if other.startswith(name) and pids[0] == "" and len(pids) > 1 and all(pid.isdigit() for pid in pids[1:]):
            child = os.path.join(folder, other)
            if _is_capture(child):
                os.unlink(child)


class TemporaryFolder:
    """A folder that goes with this object. `tempfile` would do, but for all that it imports into the program."""

    __slots__ = ("__weakref__", "path")

    def __init__(self) -> None:
        parent = os.environ.get("TMPDIR") or "/tmp"
        self.path = os.path.join(os.path.abspath(parent), f"lowtide-{os.urandom(8).hex()}")
        try:
            os.mkdir(self.path, 0o700)
        except OSError as error:
            raise TrackingError(f"cannot make a folder in {parent}: {error.strerror}", "set TMPDIR") from error
        weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(folder: str, pid: int) -> None:
    """In the process that made it: a forked child goes on using its parent's."""
    if os.getpid() == pid:
        for name in _listed(folder):
            os.unlink(os.path.join(folder, name))
        if os.path.isdir(folder):
            os.rmdir(folder)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_capture(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False

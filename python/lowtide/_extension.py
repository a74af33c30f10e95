"""Finds the tracker, and loads it into this process."""

from __future__ import annotations

import os
import sys

from lowtide._errors import TrackingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    Figures = tuple[int, int, int, int, int, int, int, int, str | None]

    class Tracker(Protocol):
        """The extension module; its errors are RuntimeErrors of two lines, the second a hint."""

        def native_frames(self, wanted: bool, /) -> None: ...
        def sample(self, mean_bytes: int, /) -> None: ...
        def start(self, path: str, /) -> None: ...
        def end(self) -> Figures | None: ...
        def stop(self) -> Figures | None: ...
        def is_recording(self) -> bool: ...
        def snapshot(self, path: str, /) -> None: ...
        def open_window(self) -> int: ...
        def close_window(self, number: int, /) -> Figures | None: ...


NAME = "lowtide_tracker"
_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = os.path.join(_PACKAGE, "_tracker.abi3.so")
_BUILT = f"lib{NAME}.so"
_HINT = "lowtide measures CPython 3.10 and later with the GIL, on Linux"

_loaded: Tracker | None = None


def tracker() -> Tracker:
    """The tracker, loaded if it is not yet."""
    global _loaded
    if _loaded is None:
        _check_python()
        path = loaded_path() or _installed_path()
        if path is None:
            raise TrackingError("lowtide's tracker is missing", "install lowtide again with pip")
        _loaded = _load(path)
    return _loaded


def tracker_if_loaded() -> Tracker | None:
    """The tracker if `lowtide run`, or a call of this package, has brought it into this process."""
    return tracker() if _loaded is not None or loaded_path() is not None else None


def loaded_path() -> str | None:
    """There may be one tracker in a process, whichever installation `lowtide run` took it from."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            paths = (line[line.find("/") :].rstrip("\n") for line in maps if "/" in line)
            return next((path for path in paths if _is_tracker(path)), None)
    except OSError:
        return None


def _is_tracker(path: str) -> bool:
    folder, name = os.path.split(path)
    return name == _BUILT or (name == os.path.basename(_INSTALLED) and os.path.basename(folder) == "lowtide")


def _installed_path() -> str | None:
    """In the package; in a checkout what cargo built last."""
    if os.path.isfile(_INSTALLED):
        return _INSTALLED
    target = os.path.join(os.path.dirname(os.path.dirname(_PACKAGE)), "target")
    built = [os.path.join(target, profile, _BUILT) for profile in ("release", "debug")]
    return max((path for path in built if os.path.isfile(path)), key=os.path.getmtime, default=None)


def _check_python() -> None:
    version = ".".join(str(number) for number in sys.version_info[:3])
    if sys.implementation.name != "cpython":
        raise TrackingError(f"{sys.implementation.name} (Python {version}) cannot be measured", _HINT)
    if sys.version_info < (3, 10):  # noqa: UP036
        raise TrackingError(f"Python {version} cannot be measured", _HINT)
    if "t" in getattr(sys, "abiflags", ""):
        raise TrackingError(f"the free-threaded build of Python {version} cannot be measured", _HINT)
    if not sys.platform.startswith("linux"):
        raise TrackingError(f"programs on {sys.platform} cannot be measured", _HINT)


def _load(path: str) -> Tracker:
    """An extension module from a file that has another name; none of it stays in `sys.modules`."""
    from importlib.machinery import ExtensionFileLoader, ModuleSpec

    loader = ExtensionFileLoader(NAME, path)
    try:
        module = loader.create_module(ModuleSpec(NAME, loader, origin=path))
        loader.exec_module(module)
    except ImportError as error:
        raise TrackingError(f"cannot load {path}: {error}", "install lowtide again for this Python") from error
    finally:
        sys.modules.pop(NAME, None)
    return module

"""Runs at the end of Python's own start-up, just before the program.

It starts the tracker and the stage as the launcher ordered through variables, takes every trace of itself away, and
makes way for the sitecustomize that Python would have found without it. What is imported on the way is forgotten again.
Any Python may read this file, so it is valid syntax for all of them, back to 2.7.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_REFUSED_STATUS = 2


def _boot(folder):
    # type: (str) -> None
    orders = _take_orders()
    if orders:
        _check_python()
    _remove_traces(folder)
    loaded = set(sys.modules)
    if "STAGE" in orders:
        _told(_loaded("lowtide_stage", orders["STAGE"]).start, orders["STAGE_DIR"])
    if "CAPTURE" in orders:
        import atexit

        tracker = _loaded("lowtide_tracker", orders["EXTENSION"])
        if "NATIVE_FRAMES" in orders:
            _told(tracker.native_frames, True)
        _told(tracker.start, _unused(orders["CAPTURE"]))
        # What is registered first runs last: the program's own exit handlers are still tracked.
        atexit.register(tracker.stop)
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


def _take_orders():
    # type: () -> dict[str, str]
    """Takes the launcher's variables out of the environment, and gives PYTHONPATH back its value."""
    names = ("EXTENSION", "CAPTURE", "NATIVE_FRAMES", "STAGE", "STAGE_DIR", "PYTHONPATH")
    orders = {name: os.environ.pop("LOWTIDE_" + name) for name in names if "LOWTIDE_" + name in os.environ}
    if "PYTHONPATH" in orders:
        os.environ["PYTHONPATH"] = orders["PYTHONPATH"]
    elif orders:
        os.environ.pop("PYTHONPATH", None)
    return orders


def _remove_traces(folder):
    # type: (str) -> None
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)
    sys.modules.pop("sitecustomize", None)


def _check_python():
    # type: () -> None
    version = ".".join(str(number) for number in sys.version_info[:3])
    if sys.version_info < (3, 10):
        _refuse("Python %s cannot be measured" % version)
    name = sys.implementation.name
    if name != "cpython":
        _refuse("%s (Python %s) cannot be measured" % (name, version))
    if "t" in sys.abiflags:
        _refuse("the free-threaded build of Python %s cannot be measured" % version)


def _refuse(what, hint="lowtide measures CPython 3.10 and later with the GIL; choose one with --python"):
    # type: (str, str) -> None
    """Ends the process before the program has begun. An exit by exception would become a fatal error of Python's."""
    if sys.stderr is not None:
        sys.stderr.write("lowtide: error: %s (%s)\nhint: %s\n" % (what, sys.executable, hint))
        sys.stderr.flush()
    os._exit(_REFUSED_STATUS)


def _loaded(name, path):
    # type: (str, str) -> Any
    """Loads an extension module from a file that has another name."""
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import ExtensionFileLoader

    loader = ExtensionFileLoader(name, path)
    try:
        module = loader.create_module(ModuleSpec(name, loader, origin=path))
        loader.exec_module(module)
    except ImportError as error:
        _refuse("cannot load %s: %s" % (path, error), "install lowtide again for this machine and this Python")
    return module


def _told(order, *arguments):
    # type: (Any, *object) -> None
    """Gives an extension an order, which it may refuse."""
    try:
        order(*arguments)
    except RuntimeError as error:
        _refuse(*str(error).split("\nhint: ", 1))


def _unused(capture):
    # type: (str) -> str
    """A command may start several Pythons one after the other; each gets a capture of its own."""
    taken = os.path.exists(capture) and os.path.getsize(capture) > 0
    return "%s.%d" % (capture, os.getpid()) if taken else capture


try:
    _boot(os.path.dirname(__file__))
finally:
    # Without functions no cycle keeps this module alive.
    del _boot, _check_python, _loaded, _refuse, _remove_traces, _take_orders, _told, _unused

# Python's own search, now without this folder. That there is no other sitecustomize is what `site` expects to be told.
import sitecustomize  # noqa: E402

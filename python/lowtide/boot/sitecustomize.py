"""Runs at the end of Python's own start-up, just before the program.

It starts the tracker and the stage as the launcher ordered through variables, or the tracker of the process that
started this one (it is followed then), takes every trace of itself away, and makes way for the sitecustomize that Python would have found without it. What is imported on the way is forgotten again.
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
    # Python 2 empties a module that nobody holds.
    held = _remove_traces(folder)
    loaded = set(sys.modules)
    try:
        if orders:
            _check_python()
            _obey(orders, folder)
    except (ImportError, RuntimeError) as error:
        # Nobody asked for a followed process to be measured, so it may just run.
        if "STARTED_BY" not in orders:
            _refuse("cannot load %s" % error if isinstance(error, ImportError) else str(error))
    for name in set(sys.modules) - loaded:
        del sys.modules[name]
    del held


def _obey(orders, folder):
    # type: (dict[str, str], str) -> None
    if "STAGE" in orders:
        stage = _loaded("lowtide_stage", orders["STAGE"])
        stage.start(orders["STAGE_DIR"])
    if "CAPTURE" in orders:
        import atexit

        tracker = _loaded("lowtide_tracker", orders["EXTENSION"])
        # A proof takes note of what is started, and measures the program alone.
        if "STAGE" not in orders:
            passed_on = ["PYTHONPATH=" + folder]
            names = [
                name for name in ("EXTENSION", "CAPTURE", "CONTROL", "NATIVE_FRAMES", "SAMPLE_BYTES") if name in orders
            ]
            passed_on += ["LOWTIDE_%s=%s" % (name, orders[name]) for name in names]
            tracker.follow(passed_on, _number(orders.get("STARTED_BY", "0")))
        if "NATIVE_FRAMES" in orders:
            tracker.native_frames(True)
        tracker.sample(_number(orders.get("SAMPLE_BYTES", "0")))
        capture = _unused(orders["CAPTURE"], "STARTED_BY" in orders)
        if "CONTROL" in orders:
            tracker.start_on_order(orders["CAPTURE"], capture != orders["CAPTURE"], orders["CONTROL"])
        else:
            tracker.start(capture)
        # What is registered first runs last: the program's own exit handlers are still tracked.
        atexit.register(tracker.stop)


def _take_orders():
    # type: () -> dict[str, str]
    """Takes the launcher's variables out of the environment, and gives PYTHONPATH back its value."""
    names = ["EXTENSION", "CAPTURE", "CONTROL", "NATIVE_FRAMES", "SAMPLE_BYTES"]
    names += ["STAGE", "STAGE_DIR", "STARTED_BY", "PYTHONPATH"]
    orders = {name: os.environ.pop("LOWTIDE_" + name) for name in names if "LOWTIDE_" + name in os.environ}
    if "PYTHONPATH" in orders:
        os.environ["PYTHONPATH"] = orders["PYTHONPATH"]
    elif orders:
        os.environ.pop("PYTHONPATH", None)
    return orders


def _remove_traces(folder):
    # type: (str) -> Any
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)
    return sys.modules.pop("sitecustomize", None)


def _check_python():
    # type: () -> None
    version = ".".join(str(number) for number in sys.version_info[:3])
    hint = "\nhint: lowtide measures CPython 3.10 and later with the GIL; choose one with --python"
    if sys.version_info < (3, 10):
        raise RuntimeError("Python %s cannot be measured%s" % (version, hint))
    name = sys.implementation.name
    if name != "cpython":
        raise RuntimeError("%s (Python %s) cannot be measured%s" % (name, version, hint))
    if "t" in sys.abiflags:
        raise RuntimeError("the free-threaded build of Python %s cannot be measured%s" % (version, hint))


def _refuse(why):
    # type: (str) -> None
    """Ends the process before the program has begun. An exit by exception would become a fatal error of Python's."""
    what, _, hint = why.partition("\nhint: ")
    hint = hint or "install lowtide again for this machine and this Python"
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
    module = loader.create_module(ModuleSpec(name, loader, origin=path))
    loader.exec_module(module)
    return module


def _number(digits):
    # type: (str) -> int
    """As `int`, which computes logarithms first: their tables would be 200 kB of the program's memory."""
    number = 0
    for digit in digits:
        number = number * 10 + ord(digit) - ord("0")
    return number


def _unused(capture, is_followed):
    # type: (str, bool) -> str
    """A command may start several Pythons one after the other, and each may start more: each gets a capture of its own."""
    if not is_followed and not (os.path.exists(capture) and os.path.getsize(capture) > 0):
        return capture
    own = "%s.%d" % (capture, os.getpid())
    name, number = own, 1
    while os.path.exists(name):
        number += 1
        name = "%s.%d" % (own, number)
    return name


try:
    _boot(os.path.dirname(__file__))
finally:
    # Without functions no cycle keeps this module alive.
    del _boot, _check_python, _loaded, _number, _obey, _refuse, _remove_traces, _take_orders, _unused

# Python's own search, now without this folder. That there is no other sitecustomize is what `site` expects to be told.
import sitecustomize  # noqa: E402

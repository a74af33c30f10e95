"""What a program can ask Python and the operating system about itself is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparing import assert_same_program

# glibc lets what posix_spawn starts ignore signals 32 and 33, its own, until it needs them.
LIBC_INTERNAL = 0x180000000
QUESTIONS = {
    "argv": "print(sys.argv, sys.orig_argv)",
    "executable": "print(sys.executable, sys.prefix, sys.base_prefix)",
    "path": "print(sys.path)",
    "path caches": "print(list(sys.path_importer_cache), sys.path_hooks, sys.meta_path)",
    "names in main": "print(list(globals()), list(vars(sys.modules['__main__'])))",
    "main's attributes": "print(__name__, __file__, __spec__, __package__, type(__loader__), __loader__.path)",
    "builtins": "import builtins; print(sorted(vars(builtins)))",
    "modules in order": "print(list(sys.modules))",
    "modules of site": "import site; print(sorted(vars(site)), site.ENABLE_USER_SITE, site.PREFIXES)",
    "flags": "print(sys.flags, sys._xoptions, sys.warnoptions)",
    "hooks": "print(sys.excepthook, sys.displayhook, sys.unraisablehook, sys.breakpointhook, sys.__stdout__)",
    "trace and profile": "print(sys.gettrace(), sys.getprofile())",
    "limits": "print(sys.getrecursionlimit(), sys.getswitchinterval(), sys.int_info)",
    "garbage collector": "import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks, gc.garbage)",
    "functions of ours": "import gc, types; print([f for f in gc.get_objects() if type(f) is types.FunctionType and 'lowtide' in f.__code__.co_filename])",
    "stack": "print(sys._getframe().f_back, sys._current_frames().keys() == {__import__('_thread').get_ident()})",
    "threads": "import threading, os; print([t.name for t in threading.enumerate()], len(os.listdir('/proc/self/task')))",
    "environment": "print(list(os.environ.items()))",
    "environment of C": "import ctypes; print([ctypes.CDLL(None).getenv(n) for n in (b'LOWTIDE_CAPTURE', b'PYTHONPATH')])",
    "environment of a child": "print(os.popen('env').read().replace(str(os.getpid()), ''))",
    "child Python": "print(os.popen(f'{sys.executable} -c \"import sys, os; print(sys.path, sys.modules.keys())\"').read())",
    # The capture's lies far above those that a program counts on.
    "open descriptors": "print([number for number in os.listdir('/proc/self/fd') if int(number) < 256])",
    "signal masks": "print([(line[:6], hex(int(line[8:], 16) & ~LIBC_INTERNAL)) for line in open('/proc/self/status') if line[:3] == 'Sig' and line[3] != 'Q'])",
    "signal handlers": "import signal; print([(s, signal.getsignal(s)) for s in signal.valid_signals()])",
    "resource limits": "import resource as r; print([r.getrlimit(getattr(r, n)) for n in dir(r) if n.startswith('RLIMIT')])",
    "process": "print(os.getcwd(), os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0), os.getpriority(0, 0))",
    "mask of new files": "mask = os.umask(0); print(mask)",
    "warnings": "import warnings; print(warnings.filters)",
    "exit handlers are not all there is": "import atexit; atexit.register(print, 'first'); atexit.register(print, 'second')",
    "streams": "print([(s.name, s.encoding, s.errors, s.line_buffering, s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)])",
    "locale": "import locale; print(locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding())",
    "fault handler": "import faulthandler; print(faulthandler.is_enabled())",
    "string hashes": "print(hash('lowtide') != hash('tidelow'))",
    "tracemalloc": "import tracemalloc; tracemalloc.start(); x = bytes(5000); print(len(tracemalloc.take_snapshot().traces) > 0)",
    "import of us": "print([n for n in sys.modules if 'tide' in n]); import sitecustomize",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_the_same(question: str, tmp_path: Path) -> None:
    assert_same_program(
        tmp_path, f"import os, sys\nLIBC_INTERNAL = {LIBC_INTERNAL}\n{QUESTIONS[question]}\n", "one", "--two", "-3", ""
    )


def test_a_class_of_main_is_pickled_by_its_name(tmp_path: Path) -> None:
    assert_same_program(
        tmp_path,
        """
        import pickle
        class Boat:
            length = 12
        print(pickle.dumps(Boat), pickle.loads(pickle.dumps(Boat())).length)
        """,
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_functions_of_main_run_in_child_processes(method: str, tmp_path: Path) -> None:
    assert_same_program(
        tmp_path,
        f"""
        import multiprocessing
        def square(number):
            return number * number
        if __name__ == "__main__":
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(pool.map(square, range(20)))
        """,
    )


def test_profilers_and_tracers_of_the_program_work(tmp_path: Path) -> None:
    assert_same_program(
        tmp_path,
        """
        import sys
        calls = []
        sys.setprofile(lambda frame, event, arg: calls.append((event, frame.f_code.co_name)))
        def called():
            return len([1, 2])
        called()
        sys.setprofile(None)
        lines = []
        sys.settrace(lambda frame, event, arg: lines.append((event, frame.f_lineno)) or None)
        called()
        sys.settrace(None)
        print(calls, lines)
        """,
    )

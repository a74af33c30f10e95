"""Whatever a program says at its end, and the status it leaves, is the same byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparing import assert_same_program

EXITS = {
    "nothing": "sys.exit()",
    "none": "sys.exit(None)",
    "number": "sys.exit(3)",
    "number above a byte": "sys.exit(300)",
    "negative number": "sys.exit(-1)",
    "huge number": "sys.exit(2**70)",
    "true": "sys.exit(True)",
    "text": "sys.exit('sorry, ä')",
    "tuple": "sys.exit((1, 2))",
    "exit object": "raise SystemExit(4) from ValueError('why')",
    "site's exit": "exit(5)",
    "hard": "import os; sys.stdout.flush(); os._exit(6)",
    "from a function": "def leave():\n    sys.exit(7)\nleave()",
    "while cleaning up": "try:\n    sys.exit(8)\nfinally:\n    print('cleaned')",
    "from an exit handler": "import atexit\natexit.register(lambda: sys.exit(9))",
    "exit handlers in order": "import atexit\nfor i in range(3): atexit.register(print, i)",
    "failing exit handler": "import atexit\natexit.register(lambda: 1 / 0)",
    "exception": "{}['missing']",
    "exception in a call": "def outer():\n    inner()\ndef inner():\n    raise ValueError('deep')\nouter()",
    "exception with cause": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise RuntimeError('later') from e",
    "exception with context": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    undefined_name",
    "exception in the library": "import json; json.loads('{')",
    "exception of an import": "import no_such_module",
    "exception in a thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='worker')\nt.start(); t.join()",
    "exception in __del__": "class Bad:\n    def __del__(self): raise ValueError('late')\nBad()",
    "exception in a coroutine": "import asyncio\nasync def fail():\n    raise OSError(2, 'gone')\nasyncio.run(fail())",
    "exception in a list": "[1 / (3 - n) for n in range(5)]",
    "own hook": "sys.excepthook = lambda kind, value, trace: print('hooked', kind, value, trace.tb_lineno)\n1 / 0",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "recursion": "def f(n):\n    return f(n + 1)\nf(0)",
    "memory error": "x = bytearray(1 << 60)",
    "warning": "import warnings; warnings.warn('careful')",
    "abort": "import os; os.abort()",
    "segmentation fault": "import ctypes; ctypes.string_at(0)",
    "fault handler": "import faulthandler, os; faulthandler.enable(); os.kill(os.getpid(), 9)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "interrupted": "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('not reached' * 9)",
    "handled signal": "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *a: print('got', a[0]))\nos.kill(os.getpid(), 10)",
    "other program": "import os; sys.stdout.flush(); os.execv('/bin/sh', ['sh', '-c', 'echo other; exit 10'])",
    "forked child": "import os\npid = os.fork()\nif not pid: sys.exit(11)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    "daemon thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "thread that outlives main": "import threading\nthreading.Timer(0.05, print, ['late']).start()",
    "sub-interpreter": "try:\n    import _interpreters as i\nexcept ImportError:\n    import _xxsubinterpreters as i\ni.destroy(i.create())",
}


@pytest.mark.parametrize("ending", EXITS)
def test_the_end_is_the_same(ending: str, tmp_path: Path) -> None:
    assert_same_program(tmp_path, f"import sys\nprint('begun')\n{EXITS[ending]}\n")

"""python -I -S timed.py FILE PROGRAM ARGUMENTS...: runs the program and writes seconds, peak RSS in KiB and exit status.

A child's `ru_maxrss` starts at the high water of the process that spawned it, so that has to be a small one: this imports
next to nothing, and stays below any Python that imports `site` and runs a program.
"""

import os
import sys
import time

began = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
# The RSS is that of the largest process, of the child and all whom it waited for.
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
with open(sys.argv[1], "w") as file:
    print(seconds, usage.ru_maxrss, os.waitstatus_to_exitcode(status), file=file)

"""lowtide lowers a Python program's high-water mark of memory, and proves that it did.

This package carries the `lowtide` command and what it puts into a measured program. `python -m lowtide` is that
command for programs run by this very interpreter. A program can also measure itself:

    import lowtide

    with lowtide.track() as work:
        rows = load()
    print(work.peak_bytes)
"""

from __future__ import annotations

from lowtide._errors import TrackingError
from lowtide._track import Track, is_tracking, snapshot, start, stop, track

__all__ = ["Track", "TrackingError", "__version__", "is_tracking", "snapshot", "start", "stop", "track"]

__version__ = "0.1.0"

"""lowtide lowers a Python program's high-water mark of memory, and proves that it did.

This package carries the `lowtide` command and what it puts into a measured program. `python -m lowtide` is that
command for programs run by this very interpreter.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"

"""What `instructions.py` counts: python cases.py CASE COUNT [LIBRARY].

A case does the same thing COUNT times, so that the difference of two counts is free of start-up and exit. The loop itself
allocates nothing.
"""

import ctypes
import sys
from itertools import repeat


def small(count):
    """one object of 16 bytes, allocated and freed"""
    for _ in repeat(None, count):
        object()


def sized(count):
    """one object of 133 bytes, whose size takes a slot of its own"""
    for _ in repeat(None, count):
        bytes(100)


def large(count):
    """one object of 4 KB, which Python hands on to malloc"""
    for _ in repeat(None, count):
        bytes(4096)


def growing(count):
    """objects of 16 bytes that all stay until the end: every one is a new peak, and types are counted"""
    _kept = [object() for _ in repeat(None, count)]


def resized(count):
    """a string that grows in place: realloc"""
    text = ""
    for _ in repeat(None, count):
        text += "x"
        if len(text) == 250:
            text = ""


def deep(count):
    """as small, under 100 frames"""
    descend(100, small, count)


def two_callers(count):
    """as small, in turn from two functions: the innermost frames differ from those of the event before"""
    for _ in repeat(None, count):
        first()
        second()


def ladder(count):
    """as small, on 20 steps down and the same 20 up: a stack that differs at every event"""
    for _ in repeat(None, count // 40):
        step_down(19)


def native(count):
    """malloc and free of native code that holds the GIL"""
    ctypes.PyDLL(sys.argv[3]).pairs(ctypes.c_long(count))


def native_without_gil(count):
    """malloc and free of native code that has released the GIL"""
    ctypes.CDLL(sys.argv[3]).pairs(ctypes.c_long(count))


def descend(depth, then, count):
    descend(depth - 1, then, count) if depth else then(count)


def first():
    object()


def second():
    object()


def step_down(depth):
    object()
    if depth:
        step_down(depth - 1)
    object()


CASES = (small, sized, large, growing, resized, deep, two_callers, ladder, native, native_without_gil)

if __name__ == "__main__":
    {case.__name__: case for case in CASES}[sys.argv[1]](int(sys.argv[2]))

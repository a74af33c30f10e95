"""Asks for memory from each kind of Python code, and writes down the stack that Python itself sees there."""

import asyncio
import contextlib
import functools
import json
import sys
import threading
import types

FIRST_SIZE = 200_000
kept = [None] * 100
expected = []


def take():
    """Keeps so many bytes that nothing else is as large."""
    kept[len(expected)] = bytes(FIRST_SIZE + len(expected))
    frame, stack = sys._getframe(1), []
    while frame:
        code = frame.f_code
        stack.append([code.co_filename, frame.f_lineno, getattr(code, "co_qualname", code.co_name)])
        frame = frame.f_back
    own = [__file__, take.__code__.co_firstlineno + 2, "take"]
    expected.append([*reversed(stack), own])


def four_deep():
    def one():
        two()

    def two():
        three()

    def three():
        take()

    one()


def recursion(levels):
    if levels:
        return recursion(levels - 1)
    take()


def generators():
    def inner():
        take()
        yield

    def outer():
        yield from inner()

    for _ in outer():
        pass
    list(take() for _ in range(1))


def coroutines():
    async def innermost():
        await asyncio.sleep(0)
        take()

    async def middle():
        await innermost()

    async def ticks():
        for number in range(1):
            take()
            yield number

    async def main():
        await asyncio.gather(middle(), asyncio.sleep(0))
        async for _ in ticks():
            pass

    asyncio.run(main())


def comprehensions():
    [take() for _ in range(1)]
    {take() for _ in range(1)}
    {number: take() for number in range(1)}
    [[take() for _ in range(1)] for _ in range(1)]


def lambdas():
    (lambda: take())()
    functools.partial(lambda _: take(), 1)()


def class_body():
    class Outer:
        take()

        class Inner:
            take()


def executed():
    exec("def made():\n\n    take()\n\nmade()", {"take": take})
    eval("take()")


def decorators():
    def decorated(function):
        take()

        @functools.wraps(function)
        def wrapper():
            take()
            return function()

        return wrapper

    @decorated
    def function():
        take()

    function()


def finalizer():
    class Last:
        def __del__(self):
            take()

    last = Last()
    del last


def called_back():
    sorted([1], key=lambda number: take() or number)
    list(map(lambda _: take(), [1]))
    max([1], key=lambda number: take() or number)


def special_methods():
    class Special:
        def __getattr__(self, name):
            take()

        def __add__(self, other):
            take()

        @property
        def value(self):
            take()

        def __enter__(self):
            take()

        def __exit__(self, *exception):
            take()

    special = Special()
    special.missing
    special + 1
    special.value
    with special:
        pass


def multiple_lines():
    print(
        "",
        take(),
        [
            take(),
        ],
        end="",
        file=types.SimpleNamespace(write=lambda text: None),
    )
    (
        take()
        or
        take()
    )


def exceptions():
    with contextlib.suppress(KeyError):
        try:
            raise ValueError
        except ValueError:
            take()
            raise KeyError from None
        finally:
            take()


def in_a_thread():
    thread = threading.Thread(target=take)
    thread.start()
    thread.join()


def imported():
    import imported_module  # noqa: F401


def main():
    four_deep()
    recursion(1000)
    generators()
    coroutines()
    comprehensions()
    lambdas()
    class_body()
    executed()
    decorators()
    finalizer()
    called_back()
    special_methods()
    multiple_lines()
    exceptions()
    in_a_thread()
    imported()


if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    with open("imported_module.py", "w") as module:
        module.write("from __main__ import take\n\ntake()\n")
    exec(sys.argv[1])
    with open("expected.json", "w") as file:
        json.dump(expected, file)

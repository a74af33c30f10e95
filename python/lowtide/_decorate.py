"""`track` as a decorator: each call is measured on its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from lowtide._track import Track


def decorated(track: Track, function: Callable[..., Any]) -> Any:
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{function.__qualname__} is an asynchronous generator: put `with lowtide.track()` where it is used"
        )
    if inspect.iscoroutinefunction(function):
        return _coroutine(track, function)
    if inspect.isgeneratorfunction(function):
        return _generator(track, function)
    return _plain(track, function)


def _plain(track: Track, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def measured(*arguments: Any, **named: Any) -> Any:
        call = track.again()
        try:
            with call:
                return function(*arguments, **named)
        finally:
            track.take_over(call)

    return measured


def _coroutine(track: Track, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def measured(*arguments: Any, **named: Any) -> Any:
        call = track.again()
        try:
            with call:
                return await function(*arguments, **named)
        finally:
            track.take_over(call)

    return measured


def _generator(track: Track, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def measured(*arguments: Any, **named: Any) -> Any:
        call = track.again()
        try:
            with call:
                return (yield from function(*arguments, **named))
        finally:
            track.take_over(call)

    return measured

"""`lowtide.track` around a block or a function: exact figures, alone and inside another recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from inside import BYTES_HEADER, report, run, told

MILLION = 1_000_000 + BYTES_HEADER


def test_a_block_is_measured_to_the_byte(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        before = bytes(5_000_000)
        def work():
            held = bytes(3_000_000)
            del held
            return bytes(1_000_000)
        with lowtide.track() as track:
            kept = work()
        tell(peak=track.peak_bytes, left=track.left_bytes, churn=track.churn_bytes, before=track.before_bytes)
        """,
    )
    assert figures["peak"] == 3_000_000 + BYTES_HEADER
    assert figures["before"] == 0
    # Python's own small objects of a call and of leaving the block come on top.
    assert MILLION <= figures["left"] < MILLION + 2_000
    assert figures["left"] + 3_000_000 + BYTES_HEADER <= figures["churn"] + 2_000 < 4_000_000 + 8_000


def test_a_capture_with_a_path_stays_and_can_be_reported(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        with lowtide.track("kept.lowtide") as track:
            kept = bytes(2_000_000)  # here
        tell(path=track.path, peak=track.peak_bytes, text=track.report(), json=json.loads(track.report("json")))
        """,
    )
    assert figures["path"] == str(tmp_path / "kept.lowtide")
    assert "kept = bytes(2_000_000)" in figures["text"]
    of_capture = report(tmp_path, "kept.lowtide")
    assert of_capture.peak_heap_bytes == figures["peak"] == figures["json"]["peak"]["heap_bytes"]
    assert of_capture.line("here")["at_peak_bytes"] == 2_000_000 + BYTES_HEADER
    assert of_capture.data["recording"]["state"] == "complete"


def test_a_capture_without_a_path_goes_with_its_track(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        import os
        with lowtide.track() as track:
            kept = bytes(2_000_000)
        there = os.path.exists(track.path)
        path, text = track.path, track.report()
        del track
        tell(there=there, after=os.path.exists(path), text=text)
        """,
    )
    assert figures["there"]
    assert not figures["after"]
    assert "kept = bytes(2_000_000)" in figures["text"]


def test_an_inner_track_has_its_own_figures_and_leaves_the_outer_alone(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        with lowtide.track("outer.lowtide") as outer:
            high = bytes(9_000_000)  # high
            del high
            low = bytes(1_000_000)  # low
            with lowtide.track() as inner:
                more = bytes(2_000_000)  # more
                del more
                rest = bytes(500_000)  # rest
            with lowtide.track() as nothing:
                pass
        tell(peak=outer.peak_bytes, rise=inner.risen_bytes, left=inner.left_bytes, churn=inner.churn_bytes,
             blocks=inner.churn_blocks, rise_of_nothing=nothing.risen_bytes, churn_of_nothing=nothing.churn_bytes,
             path=inner.path)
        """,
    )
    rest = 500_000 + BYTES_HEADER
    # Entering and leaving a block makes and drops some small objects of Python's own.
    assert abs(figures["rise"] - 2_000_000 - BYTES_HEADER) < 1_000
    assert rest - 1_000 < figures["left"] < rest + 1_000
    assert 0 <= figures["churn"] - rest - 2_000_000 - BYTES_HEADER < 2_000
    assert 2 <= figures["blocks"] < 10
    assert figures["rise_of_nothing"] < 1_000
    assert figures["churn_of_nothing"] < 1_000
    assert figures["path"] is None
    outer = report(tmp_path, "outer.lowtide")
    assert outer.peak_heap_bytes == figures["peak"]
    at_peak = {marker: outer.line(marker)["at_peak_bytes"] for marker in ("high", "low", "more", "rest")}
    assert at_peak == {"high": 9_000_000 + BYTES_HEADER, "low": 0, "more": 0, "rest": 0}
    assert outer.line("low")["left_at_exit_bytes"] == MILLION


def test_what_is_dropped_at_once_is_temporary_of_whoever_measures(tmp_path: Path) -> None:
    """Once outside of the inner one, then a hundred times in it."""
    figures = told(
        tmp_path,
        """
        one = b"x"
        with lowtide.track("outer.lowtide") as outer:
            one * 1_000_000
            with lowtide.track() as inner:
                for _ in range(100):
                    one * 10_000
        tell(outer=[outer.temporary_blocks, outer.temporary_bytes],
             inner=[inner.temporary_blocks, inner.temporary_bytes])
        """,
    )
    blocks, size = figures["inner"]
    # Besides, whatever opening and closing a window takes for a moment.
    assert 100 <= blocks < 110
    assert 0 <= size - 100 * (10_000 + BYTES_HEADER) < 2_000
    blocks, size = figures["outer"]
    assert 101 <= blocks < 120
    assert 0 <= size - 100 * (10_000 + BYTES_HEADER) - 1_000_000 - BYTES_HEADER < 4_000


def test_windows_that_overlap_know_their_own_peaks(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        a, b = lowtide.track(), lowtide.track()
        with lowtide.track():
            a.__enter__()
            first = bytes(4_000_000)
            del first
            b.__enter__()
            second = bytes(1_000_000)
            del second
            a.__exit__(None, None, None)
            third = bytes(2_000_000)
            del third
            b.__exit__(None, None, None)
        tell(a=a.risen_bytes, b=b.risen_bytes)
        """,
    )
    assert figures["a"] - 4_000_000 in range(-1_000, 3_000)
    assert figures["b"] - 2_000_000 in range(-1_000, 3_000)


def test_a_window_outlives_the_recording_that_it_was_opened_on(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        outer, inner = lowtide.track("outer.lowtide"), lowtide.track()
        outer.__enter__()
        inner.__enter__()
        first = bytes(1_000_000)  # first
        outer.__exit__(None, None, None)
        second = bytes(2_000_000)  # second
        going_on = lowtide.is_tracking()
        inner.__exit__(None, None, None)
        tell(outer=outer.peak_bytes, inner=inner.risen_bytes, going_on=going_on, after=lowtide.is_tracking())
        """,
    )
    assert figures["outer"] - 1_000_000 in range(BYTES_HEADER, 1_500)
    assert figures["inner"] - 3_000_000 in range(2 * BYTES_HEADER, 100_000)
    assert (figures["going_on"], figures["after"]) == (True, False)
    outer = report(tmp_path, "outer.lowtide")
    assert outer.line("first")["left_at_exit_bytes"] == MILLION
    assert outer.line("second")["churn_bytes"] == 0


def test_an_inner_track_with_a_path_gets_a_snapshot_of_the_recording(tmp_path: Path) -> None:
    told(
        tmp_path,
        """
        low = more = later = None
        with lowtide.track("outer.lowtide"):
            low = bytes(1_000_000)  # low
            with lowtide.track("inner.lowtide"):
                more = bytes(2_000_000)  # more
            later = bytes(3_000_000)  # later
        tell()
        """,
    )
    inner = report(tmp_path, "inner.lowtide")
    left = [inner.line(marker)["left_at_exit_bytes"] for marker in ("low", "more", "later")]
    assert left == [MILLION, 2_000_000 + BYTES_HEADER, 0]
    assert report(tmp_path, "outer.lowtide").line("later")["left_at_exit_bytes"] == 3_000_000 + BYTES_HEADER


def test_native_functions_are_told_where_they_are_asked_for(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        import ctypes
        def seen(native):
            with lowtide.track(native=native) as track:
                kept = ctypes.CDLL(None).malloc(100_000)
            stacks = json.loads(track.report("json")).get("stacks", [])
            return any(frame["kind"] == "native" for stack in stacks for frame in stack["frames"])
        tell(seen=[seen(native) for native in (True, False, True)])
        """,
    )
    assert figures["seen"] == [True, False, True]


def test_a_sample_begins_and_ends_with_its_track(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        def seen(sample):
            with lowtide.track(sample=sample) as track:
                kept = [bytes(1000) for _ in range(20_000)]
            return track.peak_bytes, json.loads(track.report("json")).get("sampling")
        tell(exact=seen(0), sampled=seen(20_000), exact_again=seen(0))
        """,
    )
    (exact, no_sampling), (estimate, sampling) = figures["exact"], figures["sampled"]
    assert no_sampling is None
    assert sampling["mean_bytes"] == 20_000
    # Half the width of the interval for 95 of 100: five standard errors are two and a half of it.
    assert abs(estimate - exact) <= 2.55 * sampling["peak_heap_margin_bytes"]
    assert figures["exact_again"][1] is None
    assert abs(figures["exact_again"][0] - exact) < 1_000


DECORATED = {
    "function": """
        def work(size):
            held = bytes(size)
            return len(held)
        result = work(3_000_000)
        """,
    "coroutine": """
        async def work(size):
            await asyncio.sleep(0)
            held = bytes(size)
            return len(held)
        result = asyncio.run(work(3_000_000))
        """,
    "generator": """
        def work(size):
            held = bytes(size)
            got = yield 1
            del held
            return got
        def outer():
            return (yield from work(3_000_000))
        generator = outer()
        next(generator)
        try:
            generator.send(3_000_000)
        except StopIteration as stop:
            result = stop.value
        """,
}


@pytest.mark.parametrize("kind", DECORATED)
def test_a_decorated_function_is_measured_at_each_call(kind: str, tmp_path: Path) -> None:
    source = "import asyncio\nmeasured = lowtide.track()\n" + DECORATED[kind].replace("\n        ", "\n")
    source = source.replace("def work", "@measured\ndef work").replace("async @measured\ndef", "@measured\nasync def")
    tail = "\ntell(result=result, peak=measured.peak_bytes, name=work.__name__, tracking=lowtide.is_tracking())\n"
    figures = told(tmp_path, source + tail)
    assert (figures["result"], figures["name"], figures["tracking"]) == (3_000_000, "work", False)
    assert figures["peak"] - 3_000_000 in range(BYTES_HEADER, 20_000)


def test_a_function_that_calls_itself_leaves_the_capture_of_its_outermost_call(tmp_path: Path) -> None:
    told(
        tmp_path,
        """
        @lowtide.track("calls.lowtide")
        def down(depth):
            held = bytes(1_000_000)  # here
            if depth:
                down(depth - 1)
        down(4)
        tell()
        """,
    )
    assert report(tmp_path, "calls.lowtide").line("here")["at_peak_bytes"] == 5 * MILLION


def test_an_asynchronous_generator_is_refused_when_it_is_decorated(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        @lowtide.track()
        async def numbers():
            yield 1
        """,
    )
    expected = "TypeError: numbers is an asynchronous generator: put `with lowtide.track()` where it is used"
    assert done.stderr.splitlines()[-1] == expected


def test_an_exception_passes_through_and_the_figures_stay(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        track = lowtide.track("failed.lowtide")
        try:
            with track:
                held = bytes(2_000_000)  # here
                1 / 0
        except ZeroDivisionError:
            tell(peak=track.peak_bytes, tracking=lowtide.is_tracking())
        """,
    )
    assert figures["peak"] >= 2_000_000
    assert not figures["tracking"]
    assert report(tmp_path, "failed.lowtide").line("here")["at_peak_bytes"] == 2_000_000 + BYTES_HEADER

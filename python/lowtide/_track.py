"""Recording from inside the program: see docs/control.md."""

from __future__ import annotations

import atexit
import os

from lowtide import _place
from lowtide._errors import TrackingError, tracking_error
from lowtide._extension import tracker, tracker_if_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Literal, ParamSpec, TypeVar

    from lowtide._extension import Figures, Tracker
    from lowtide._place import StrPath

    Parameters = ParamSpec("Parameters")
    Result = TypeVar("Result")

_CAPTURE_NAME = "track.lowtide"
_STARTED = "started"
# What `start` began, under one key: `setdefault` and `pop` are done by one thread at a time.
_started: dict[str, Track] = {}
# The captures that recordings of this process write.
_recorded: set[str] = set()


class Track:
    """A stretch of the program whose memory is measured: a context manager, a decorator, and then its figures.

    The first one begins a recording of the process. One that is entered while a recording goes on, be it that of an outer
    `track` or of `lowtide run`, is a window on it: the figures are its own, the recording is the outer one's.
    """

    __slots__ = (
        "__weakref__",
        "_figures",
        "_folder",
        "_is_open",
        "_native",
        "_path",
        "_pid",
        "_sample",
        "_tracker",
        "_wanted",
        "_window",
    )

    def __init__(self, path: StrPath | None = None, *, native: bool = False, sample: int = 0) -> None:
        self._wanted = None if path is None else _place.absolute(path)
        self._native = native
        self._sample = _checked_distance(sample)
        self._path: str | None = None
        self._folder: _place.TemporaryFolder | None = None
        self._figures: Figures | None = None
        self._tracker: Tracker | None = None
        self._is_open = False
        self._window = 0
        self._pid = 0

    def __enter__(self) -> Track:
        if self._is_open:
            raise TrackingError("this track is being recorded already", "make another with lowtide.track()")
        recorder = self._tracker = tracker()
        if self._wanted is not None:
            _place.check_replaceable(self._wanted)
        self._figures = self._path = None
        self._pid = os.getpid()
        self._is_open = True
        # From here on nothing is allocated that would be seen inside.
        self._window = recorder.open_window()
        while self._window == 0 and not self._begins(recorder):
            self._window = recorder.open_window()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        recorder = self._tracker
        if recorder is None or not self._is_open:
            raise TrackingError("this track is not being recorded", "enter it first, with `with`")
        self._is_open = False
        try:
            if self._window:
                self._end_window(recorder)
            else:
                self._end_recording(recorder)
        except RuntimeError as failure:
            raise tracking_error(failure) from None

    def __call__(self, function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        """Measures each call of the function, up to its return. What was called last to its end is what this object tells."""
        from lowtide._decorate import decorated

        measured: Callable[Parameters, Result] = decorated(self, function)
        return measured

    def again(self) -> Track:
        """One like this, to be entered on its own."""
        return Track(self._wanted, native=self._native, sample=self._sample)

    def take_over(self, other: Track) -> None:
        """Tells from now on what `other` tells."""
        self._figures, self._path, self._folder = other._figures, other._path, other._folder

    @property
    def path(self) -> str | None:
        """The capture file; `None` for a window without a path."""
        return self._path

    @property
    def peak_bytes(self) -> int:
        """Most live bytes."""
        return self._seen()[0]

    @property
    def before_bytes(self) -> int:
        """Live bytes when it began: 0 unless another recording was going on."""
        return self._seen()[1]

    @property
    def after_bytes(self) -> int:
        """Live bytes when it ended."""
        return self._seen()[2]

    @property
    def risen_bytes(self) -> int:
        """How far the peak lies above where it began."""
        return self.peak_bytes - self.before_bytes

    @property
    def left_bytes(self) -> int:
        """What it left behind; negative if more was freed than allocated."""
        return self.after_bytes - self.before_bytes

    @property
    def churn_bytes(self) -> int:
        """Allocated in total."""
        return self._seen()[3]

    @property
    def churn_blocks(self) -> int:
        """Allocated in total."""
        return self._seen()[4]

    @property
    def temporary_bytes(self) -> int:
        """Of what was allocated, freed before the fourth next allocation of its thread."""
        return self._seen()[5]

    @property
    def temporary_blocks(self) -> int:
        """Of what was allocated, freed before the fourth next allocation of its thread."""
        return self._seen()[6]

    @property
    def duration_s(self) -> float:
        return self._seen()[7] / 1e9

    @property
    def stopped_early(self) -> str | None:
        """Why recording stopped before the end; the figures are up to then."""
        return self._seen()[8]

    def report(self, format: Literal["text", "json"] = "text") -> str:  # noqa: A002
        """What `lowtide report` says of the capture."""
        from lowtide._report import report

        if self._path is None:
            raise TrackingError(
                "there is no capture: this was a window on another recording", "give lowtide.track() a path"
            )
        return report(self._path, format)

    def __repr__(self) -> str:
        if self._figures is None:
            return f"<lowtide.Track {'that is being recorded' if self._is_open else 'without figures'}>"
        return (
            f"<lowtide.Track peak_bytes={self.peak_bytes} left_bytes={self.left_bytes} churn_bytes={self.churn_bytes}>"
        )

    def _seen(self) -> Figures:
        if self._figures is not None:
            return self._figures
        if self._is_open:
            raise TrackingError("this track is still being recorded", "ask after its end")
        if self._tracker is None:
            raise TrackingError("this track was not recorded yet", "enter it first, with `with`")
        raise TrackingError(
            "the recording that this track was a window on is gone", "it ended, or belongs to the process that forked"
        )

    def _begins(self, recorder: Tracker) -> bool:
        """Begins a recording; `False` if another thread was first."""
        path = self._place()
        _place.remove_children(path)
        self._path = path
        _recorded.add(path)
        try:
            recorder.native_frames(self._native)
            recorder.sample(self._sample)
            recorder.start(path)
        except RuntimeError as failure:
            _recorded.discard(path)
            self._path = None
            if recorder.is_recording():
                return False
            self._is_open = False
            raise tracking_error(failure) from None
        return True

    def _place(self) -> str:
        if self._wanted is not None:
            return self._wanted
        if self._folder is None:
            self._folder = _place.TemporaryFolder()
        return os.path.join(self._folder.path, _CAPTURE_NAME)

    def _end_recording(self, recorder: Tracker) -> None:
        self._figures = recorder.end()
        if self._path is not None:
            _recorded.discard(self._path)
            if os.getpid() != self._pid:
                # A forked child has a capture of its own.
                self._path = f"{self._path}.{os.getpid()}"

    def _end_window(self, recorder: Tracker) -> None:
        self._figures = recorder.close_window(self._window)
        if self._wanted is None or self._figures is None:
            return
        # A function that calls itself has the outermost call's capture.
        if self._wanted not in _recorded:
            recorder.snapshot(self._wanted)
        self._path = self._wanted


def _checked_distance(sample: int) -> int:
    if sample < 0:
        raise ValueError(f"sample is {sample}: it is a number of bytes, or 0 to record every block")
    return sample


def track(path: StrPath | None = None, *, native: bool = False, sample: int = 0) -> Track:
    """Measures a `with` block, or each call of a function that this decorates.

    With a path the capture stays there, in place of an earlier one; without, it is temporary and the figures stay. With
    `native` the report has native functions between the Python lines that call them; with `sample` other than 0 one block
    is recorded every so many bytes on average, and all figures are estimates. What another recording that goes on has, an
    inner one has.

    Raises TrackingError when entered, if this Python cannot be measured or the capture not be written.
    """
    return Track(path, native=native, sample=sample)


def start(path: StrPath, *, native: bool = False, sample: int = 0) -> Track:
    """Begins what `stop` ends, from whatever thread.

    Raises TrackingError if it was begun already, if this Python cannot be measured or the capture not be written.
    """
    begun = Track(path, native=native, sample=sample)
    if _started.setdefault(_STARTED, begun) is not begun:
        raise TrackingError("tracking was started already", "call lowtide.stop() first; lowtide.track() can be nested")
    try:
        begun.__enter__()
    except BaseException:
        del _started[_STARTED]
        raise
    return begun


def stop() -> Track:
    """Ends what `start` began, and gives its figures.

    Raises TrackingError if nothing was started.
    """
    begun = _started.pop(_STARTED, None)
    if begun is None:
        raise TrackingError("tracking was not started", "call lowtide.start(path) first")
    begun.__exit__(None, None, None)
    return begun


def snapshot(path: StrPath) -> None:
    """Copies the capture as it is now to `path`, in place of an earlier capture there. Recording goes on.

    Raises TrackingError if nothing is being recorded, or the copy cannot be written; nothing half-written is left.
    """
    wanted = _place.absolute(path)
    recorder = tracker_if_loaded()
    if recorder is None:
        raise TrackingError("this process is not being recorded", "start a recording first")
    _place.check_replaceable(wanted)
    try:
        recorder.snapshot(wanted)
    except RuntimeError as failure:
        raise tracking_error(failure) from None


def is_tracking() -> bool:
    """Whether this process is being recorded, by whomever."""
    recorder = tracker_if_loaded()
    return recorder is not None and recorder.is_recording()


@atexit.register
def _end_at_exit() -> None:
    """A capture that nobody ended is complete up to here."""
    begun = _started.pop(_STARTED, None)
    if begun is not None:
        begun.__exit__(None, None, None)

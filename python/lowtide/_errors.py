from __future__ import annotations


class TrackingError(RuntimeError):
    """A process is not recorded as asked. The message says what failed, then `hint:` what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what}\nhint: {hint}")


def tracking_error(error: RuntimeError) -> TrackingError:
    """What the tracker says, as the error of this package."""
    what, _, hint = str(error).partition("\nhint: ")
    return TrackingError(what, hint)


# The name that programs know, in tracebacks as well.
TrackingError.__module__ = "lowtide"

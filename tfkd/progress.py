"""Progress with rate and ETA: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from tqdm import tqdm

# Between two lines of a log; what takes less than this leaves none.
_SECONDS_A_LINE = 30.0
# Both with units a second, however slow: tqdm's own formats turn to "1.38s/ steps".
_LINE = "{desc}: {percentage:.0f} % of {total_fmt}{unit}, {rate_noinv_fmt}, {remaining} left"
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt}{unit}, {rate_noinv_fmt}, {remaining} left"


class Bar(tqdm):
    """A bar on stderr with `update(n)`, a context manager, that looks like ours whatever else is asked of it."""

    last_print_n: float
    last_print_t: float
    ncols: int | None
    nrows: int | None

    def __init__(self, *args: Any, **asked: Any):
        looks: dict[str, Any] = {"leave": False, "bar_format": _BAR}
        if not sys.stderr.isatty():
            seconds = _SECONDS_A_LINE
            looks |= {"delay": seconds, "mininterval": seconds, "miniters": 1}
            looks |= {"file": _Log(), "bar_format": _LINE, "position": 0}
        super().__init__(*args, **{**asked, **looks})
        if self.ncols and self.ncols < 1:  # of a terminal without a size, as a container's may be, tqdm takes -1
            self.ncols, self.nrows = 80, 24

    def refresh(self, *args: Any, **options: Any) -> None:
        """Draws it; in a log only what got on, and now and then: TensorFlow Datasets asks for all its bars, always."""
        got_on = self.n > self.last_print_n
        if sys.stderr.isatty() or (got_on and self._time() - self.last_print_t >= self.mininterval):
            super().refresh(*args, **options)
            self.last_print_n, self.last_print_t = self.n, self._time()


def progress_bar(total: int, what: str, unit: str, done: int = 0) -> Bar:
    """Returns a bar of so many units, some of them done before, which count for neither rate nor ETA."""
    return Bar(total=total, initial=done, desc=what, unit=f" {unit}", unit_scale=True)


def duration(seconds: float) -> str:
    """Returns how long something took, as one says it: 8 s, 12 min 40 s, 1 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def say(message: str) -> None:
    """Prints one line for the user on stderr, above any bar; if nobody reads there any longer, work goes on."""
    with contextlib.suppress(BrokenPipeError):
        tqdm.write(message, file=sys.stderr)
        sys.stderr.flush()


class _Log:
    """What a bar draws over itself on a terminal, as lines of stderr."""

    def write(self, drawn: str) -> None:
        if line := drawn.strip():
            say(line)

    def flush(self) -> None:
        """Nothing is held back."""

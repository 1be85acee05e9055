"""Progress with rate and ETA: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

# Between two lines of a log; what takes less than this leaves none.
_SECONDS_A_LINE = 30.0
_LINE = "{desc}: {percentage:.0f} % of {total_fmt}{unit}, {rate_fmt}, {remaining} left"


def progress_bar(total: int, what: str, unit: str = "sentences") -> tqdm:
    """Returns a bar on stderr with `update(n)`, a context manager."""
    looks: dict[str, Any] = {}
    if not sys.stderr.isatty():
        seconds = _SECONDS_A_LINE
        looks = {"file": _Log(), "delay": seconds, "mininterval": seconds, "miniters": 1, "bar_format": _LINE}
    return tqdm(total=total, desc=what, unit=f" {unit}", unit_scale=True, leave=False, **looks)


def duration(seconds: float) -> str:
    """Returns how long something took, as one says it: 8 s, 12 min 40 s, 1 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def say(message: str) -> None:
    """Prints one line for the user on stderr, above any bar."""
    tqdm.write(message, file=sys.stderr)
    sys.stderr.flush()


class _Log:
    """What a bar draws over itself on a terminal, as lines of stderr."""

    def write(self, drawn: str) -> None:
        if line := drawn.strip():
            print(line, file=sys.stderr, flush=True)

    def flush(self) -> None:
        """Nothing is held back."""

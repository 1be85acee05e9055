"""Progress with rate and ETA: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys

from tqdm import tqdm


def progress_bar(total: int, what: str, unit: str = "sentences") -> tqdm:
    """Returns a bar with `update(n)`, a context manager; silent when stderr is no terminal."""
    return tqdm(total=total, desc=what, unit=f" {unit}", unit_scale=True, disable=not sys.stderr.isatty(), leave=False)


def say(message: str) -> None:
    """Prints one line for the user on stderr, above any bar."""
    tqdm.write(message, file=sys.stderr)
    sys.stderr.flush()

"""Time per sentence on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

_WARM_UP = 5


def latency_us(predict: Callable[[Sequence[str]], object], texts: Sequence[str], runs: int = 200) -> float:
    """Returns the median time of one sentence, in microseconds, from raw text to result.

    Args:
      predict: classifies a list of texts; called with one at a time.
      texts: real sentences, taken in turn.
      runs: how many are timed, after a few that aren't.
    """
    seconds = []
    for i in range(_WARM_UP + runs):
        text = [texts[i % len(texts)]]
        started = time.perf_counter()
        predict(text)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[_WARM_UP:]) * 1e6)

"""Time per sentence on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_WARM_UP = 5


def latency_us(predict: Callable[..., object], columns: Sequence[Sequence[str]], runs: int = 200) -> float:
    """Returns the median time of one sentence or pair, in microseconds, from raw text to result.

    Args:
      predict: classifies a column of texts, or two of pairs; called with one row at a time.
      columns: real sentences, taken in turn; of pairs the first and the second ones.
      runs: how many are timed, after a few that aren't.
    """
    seconds = []
    for i in range(_WARM_UP + runs):
        row = [[texts[i % len(texts)]] for texts in columns]
        started = time.perf_counter()
        predict(*row)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[_WARM_UP:]) * 1e6)


def latencies_us(
    calls: Sequence[Callable[..., object]], inputs: Sequence[Sequence[Any]], rounds: int = 400
) -> list[float]:
    """Returns the median time of each call, in microseconds; they take turns, so that their ratios hold.

    Args:
      calls: what is timed.
      inputs: arguments, taken in turn.
      rounds: how often each is timed, after a few that aren't.
    """
    seconds = np.empty((_WARM_UP + rounds, len(calls)))
    for i in range(len(seconds)):
        arguments = inputs[i % len(inputs)] if inputs else ()
        for column, call in enumerate(calls):
            started = time.perf_counter()
            call(*arguments)
            seconds[i, column] = time.perf_counter() - started
    return [float(median) for median in np.median(seconds[_WARM_UP:], axis=0) * 1e6]

"""From what stands in a label column to label numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from tfkd.errors import InputError

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FRACTION = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(e[+-]?[0-9]+)?|[+-]?nan|[+-]?inf(inity)?", re.I | re.ASCII
)


def label_text(cell: Any, where: str) -> str:
    """Returns a label cell as text; "" if there is no label.

    Args:
      cell: a string, whole number, truth value or None.
      where: file and line, for the message.

    Raises:
      InputError: it is NaN, a fraction, or no label at all (a list, say).
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        text = cell.strip()
        if _FRACTION.fullmatch(text) and not _WHOLE.fullmatch(text):
            raise _not_a_label(text, where)
        return text
    if isinstance(cell, bool | int):
        return str(cell).lower()
    if isinstance(cell, float):
        raise _not_a_label("NaN" if math.isnan(cell) else str(cell), where)
    raise InputError(f"{where}: the label is of type {type(cell).__name__}, expected a name or a whole number")


def _not_a_label(text: str, where: str) -> InputError:
    return InputError(
        f"{where}: the label is {text}, expected a name or a whole number; "
        "if rows without a label made these floats, take them out and save whole numbers"
    )


def name_labels(found: Iterable[str]) -> tuple[str, ...]:
    """Returns the names in the order of their numbers: whole numbers by value, names by the alphabet.

    >>> name_labels(["1", "-1", "10"])
    ('-1', '1', '10')
    >>> name_labels(["positive", "negative"])
    ('negative', 'positive')
    """
    names = set(found)
    if all(_WHOLE.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def label_numbers(names: tuple[str, ...]) -> dict[str, int]:
    """Returns the number of every text that may stand for a label.

    A name stands for itself; the numbers 0, 1, ... do too, unless names are
    numbers themselves: with names 1..5, a 0 is a mistake and not the first.
    """
    numbers = {name: number for number, name in enumerate(names)}
    if not any(_WHOLE.fullmatch(name) for name in names):
        numbers |= {str(number): number for number in range(len(names))}
    return numbers

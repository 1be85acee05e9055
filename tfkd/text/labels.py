"""From what stands in a label column to label numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tfkd.errors import InputError
from tfkd.text.readers import unusable_in

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FRACTION = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(e[+-]?[0-9]+)?|[+-]?nan|[+-]?inf(inity)?", re.I | re.ASCII
)


def label_text(cell: Any) -> str:
    """Returns a label cell as text; "" if there is no label.

    Args:
      cell: a string, whole number, truth value or None.

    Raises:
      ValueError: it is NaN, a fraction, or no label at all (a list, say).
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        text = cell.strip()
        if _FRACTION.fullmatch(text) and not _WHOLE.fullmatch(text):
            raise _not_a_label(text)
        return text
    if isinstance(cell, bool | int):
        return str(cell).lower()
    if isinstance(cell, float):
        raise _not_a_label("NaN" if math.isnan(cell) else str(cell))
    raise ValueError(f"the label is of type {type(cell).__name__}, expected a name or a whole number")


def _not_a_label(text: str) -> ValueError:
    return ValueError(
        f"the label is {text}, expected a name or a whole number; "
        "if rows without a label made these floats, take them out and save whole numbers"
    )


def check_names(names: Sequence[str]) -> None:
    """Passes names of labels that a file can hold, a line each.

    Raises:
      InputError: one is empty, or more than a line.
    """
    for name in names:
        if not name or name != name.strip() or "\n" in name or "\r" in name or unusable_in(name):
            raise InputError(f"the label {name!r} can't be a line of the file's labels: rename it")


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


def label_numbers(names: Sequence[str], order: Sequence[str] = ()) -> dict[str, int]:
    """Returns the number of every text that may stand for a label.

    Args:
      names: each stands for itself.
      order: of the labels, if it is known; then 0, 1, ... stand for them too, unless names are numbers themselves: with
        names 1..5, a 0 is a mistake and not the first. Sorted names are in no order that a file's numbers go by.
    """
    numbers = {name: number for number, name in enumerate(names)}
    if not any(_WHOLE.fullmatch(name) for name in names):
        numbers |= {str(place): numbers[name] for place, name in enumerate(order) if name in numbers}
    return numbers

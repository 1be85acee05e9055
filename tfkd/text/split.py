"""A dev split cut from train: seeded, stratified, equal texts on one side."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from tfkd.errors import InputError


def cut_dev(keys: Sequence[str], labels: Sequence[int], dev_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which rows go to train and which to dev, both in their old order.

    Every class gives dev its share of rows, at least one, and keeps at least one.
    Rows with equal keys go to the same side, so that of a class of many equal rows
    dev may get less, or none. The order in which rows are chosen is that of a hash
    of seed and key, so the cut is the same on every machine and with every version
    of NumPy, and a row added elsewhere moves few others.

    Args:
      keys: what keeps rows on one side, one a row.
      labels: label numbers, one a row.
      dev_rows: rows to cut, at most.
      seed: other seeds, other cuts.

    Returns:
      (train, dev): int64 indices of rows.

    Raises:
      InputError: there are too few rows, in all or of one class.
    """
    wanted = _quotas(Counter(int(label) for label in labels), dev_rows)
    groups: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        groups[key].append(row)
    dev: list[int] = []
    for key in sorted(groups, key=lambda key: hashlib.sha256(f"{seed}\n{key}".encode()).digest()):
        needs = Counter(int(labels[row]) for row in groups[key])
        if all(wanted[label] >= rows for label, rows in needs.items()):
            wanted -= needs
            dev += groups[key]
    is_dev = np.zeros(len(keys), dtype=bool)
    is_dev[dev] = True
    return np.flatnonzero(~is_dev), np.flatnonzero(is_dev)


def _quotas(rows_of: Counter[int], dev_rows: int) -> Counter[int]:
    """Returns how many rows each class gives: its share by largest remainder, from 1 to all but one."""
    total = sum(rows_of.values())
    if dev_rows >= total:
        raise InputError(f"{dev_rows:,} rows for dev can't be cut from {total:,} rows of train; lower --dev_rows")
    if dev_rows < len(rows_of):
        raise InputError(f"{dev_rows:,} rows for dev are fewer than the {len(rows_of)} labels; raise --dev_rows")
    if min(rows_of.values()) < 2:
        raise InputError("a label has one row alone, which can't be in train and dev")
    quotas = {label: min(max(1, dev_rows * rows // total), rows - 1) for label, rows in rows_of.items()}
    by_remainder = sorted(rows_of, key=lambda label: (-(dev_rows * rows_of[label] % total), label))
    while (missing := dev_rows - sum(quotas.values())) > 0:
        for label in [label for label in by_remainder if quotas[label] < rows_of[label] - 1][:missing]:
            quotas[label] += 1
        if all(quotas[label] == rows_of[label] - 1 for label in rows_of):
            break
    while sum(quotas.values()) > dev_rows:  # small classes were lifted to one row: the largest gives way
        quotas[max(quotas, key=lambda label: (quotas[label], label))] -= 1
    return Counter(quotas)

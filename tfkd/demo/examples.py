"""Texts to click on: of the run itself, of a file, or of film reviews."""

from __future__ import annotations

from itertools import chain, islice, zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tfkd.errors import InputError
from tfkd.transfer_set.shards import shard_path

EXAMPLES = (
    "what a lovely film",
    "not bad at all, and far better than I feared",
    "I wanted to like it, but nothing happens for two hours",
    "the plot is thin, yet the cast is a delight",
    "neither funny nor sad, just long",
    "go and see it twice",
)
_COUNT = 6
_WORDS, _CHARACTERS = range(4, 13), 60  # what reads well on a button


def examples_of_file(path: str | Path) -> tuple[str, ...]:
    """Returns the lines of a UTF-8 file that aren't blank.

    Raises:
      InputError: it can't be read, isn't UTF-8, or has none.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as e:
        raise InputError(f"--examples={path}: can't be read: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise InputError(f"--examples={path}: isn't UTF-8 (byte {e.start + 1}); convert it first") from e
    if not (texts := tuple(line.strip() for line in lines if line.strip())):
        raise InputError(f"--examples={path}: is empty; expected a text a line")
    return texts


def examples_of_run(folder: str | Path) -> tuple[str, ...]:
    """Returns a few sentences that a run learnt from, of each label in turn; none if they are no longer there.

    They are short ones, or if there are none of these the shortest.
    """
    path = shard_path(Path(folder) / "sentences", 0)
    try:
        rows = pq.read_table(path, columns=["text", "label"]).drop_null().to_pylist()
    except (OSError, pa.ArrowException):
        return ()
    short = [row for row in rows if len(row["text"].split()) in _WORDS and len(row["text"]) <= _CHARACTERS]
    by_label: dict[int, list[str]] = {}
    for row in short or sorted(rows, key=lambda row: len(row["text"])):
        by_label.setdefault(row["label"], []).append(row["text"])
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    return tuple(islice((text for text in in_turn if text is not None), _COUNT))

"""What can be set, as frozen dataclasses: one field, one flag.

A field's default, help and allowed values stand here and nowhere else;
`tfkd.commands.flags` makes the flags of them. Values are checked when a config
is made: a ValueError names the field as its flag.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


def _option(default: Any, help: str, choices: tuple[str, ...] | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices})


def _check(condition: bool, flag: str, value: object, expected: str) -> None:
    if not condition:
        raise ValueError(f"--{flag}={value}: expected {expected}")


def _check_positive(config: object, *flags: str) -> None:
    for flag in flags:
        _check(getattr(config, flag) > 0, flag, getattr(config, flag), "a number above 0")


def _check_share(config: object, *flags: str) -> None:
    for flag in flags:
        _check(0 <= getattr(config, flag) <= 1, flag, getattr(config, flag), "a share from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where labelled sentences come from, and how they are read."""

    data: str = _option(
        "",
        "labelled sentences: a TSV, CSV, JSONL or Parquet file; a folder with train.* and dev.*; "
        "tfds:NAME, such as tfds:glue/sst2; or asset:movie_reviews",
    )
    dev: str = _option("", "file of dev sentences; default: the data's own dev split, else one is cut from train")
    unlabelled: str = _option("", "file of sentences without labels, which the teacher labels too")
    text_column: str = _option("", "name of the column with the text; default: guessed, and said")
    text_pair_column: str = _option("", "name of the column with the second text of a pair")
    label_column: str = _option("", "name of the column with the label; default: guessed, and said")
    labels: tuple[str, ...] = _option(
        (), "names of the labels in the order of their numbers, such as negative,positive; default: those found in train"
    )
    dev_rows: int = _option(0, "rows to cut from train for dev, stratified, if there is no dev file; 0: a tenth")
    quoting: str = _option("auto", "whether fields of TSV may be quoted; auto: CSV yes, TSV no", ("auto", "yes", "no"))
    detokenize: str = _option(
        "none",
        "how to undo the tokenization of corpora such as SST-2 (\"does n't\" -> \"doesn't\")",
        ("none", "treebank", "moses"),
    )
    encoding: str = _option("utf-8", "encoding of text files, such as latin-1")
    max_bad_rows: int = _option(0, "rows that may be rejected (ragged, empty, without label) before reading gives up")

    def __post_init__(self) -> None:
        _check(self.dev_rows >= 0, "dev_rows", self.dev_rows, "0 or more rows")
        _check(self.max_bad_rows >= 0, "max_bad_rows", self.max_bad_rows, "0 or more rows")
        _check(len(set(self.labels)) == len(self.labels), "labels", ",".join(self.labels), "each name once")
        _check(len(self.labels) != 1, "labels", ",".join(self.labels), "at least two names")

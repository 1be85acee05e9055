"""One task's sentences: read from files, TensorFlow Datasets or an asset, checked, and split."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError
from tfkd.files import write_text
from tfkd.text.columns import Columns, choose_columns, choose_columns_like
from tfkd.text.detokenizer import detokenizer
from tfkd.text.examples import NO_LABEL, Corpus, Examples, kind_of
from tfkd.text.labels import check_names, label_numbers, label_text, name_labels
from tfkd.text.overlap import find_overlap, inseparable
from tfkd.text.readers import (
    EMPTY_LINE,
    SUFFIXES,
    Reject,
    Table,
    excerpt_of,
    is_folder,
    open_table,
    suffix_of,
    text_fault,
)
from tfkd.text.split import cut_dev

_SHOWN_REJECTS = 3
# In the rejects file at least, so that all may be mended at once; a file of another kind may have millions.
_WRITTEN_REJECTS = 10_000
_SHOWN_NAMES = 12


def read_corpus(config: DataConfig, seed: int, rejects: Path | None = None) -> Corpus:
    """Returns the examples to learn from and to be measured on.

    Args:
      config: where they come from and how they are read.
      seed: of the cut, if dev is cut from train.
      rejects: file for the rows that couldn't be used, one JSON object a line
        (file, line, reason, text); written only if there are any.

    Raises:
      InputError: a file, or more rows than `config.max_bad_rows`, can't be used.
      UsageError: the flags say nothing that can be read.
    """
    bad = _BadRows(config.max_bad_rows)
    try:
        return _read(config, seed, bad)
    finally:
        if rejects is not None:
            rejects.unlink(missing_ok=True)  # an earlier reading's
            if bad.kept:
                lines = [json.dumps(_shown(reject), ensure_ascii=False) + "\n" for reject in bad.kept]
                write_text(rejects, "".join(lines))


def _read(config: DataConfig, seed: int, bad: _BadRows) -> Corpus:
    sources = _find_sources(config)
    columns, guesses = choose_columns(sources.train, config)
    tables = (sources.train, sources.dev, sources.unlabelled)
    notes = [f"{table.name}: {table.note}" for table in tables if table and table.note] + guesses
    train = _read_rows(sources.train, columns, bad)
    dev = unlabelled = None
    if sources.dev:
        dev = _read_further("dev", sources.dev, columns, bad, notes)
    if sources.unlabelled:
        without_label = dataclasses.replace(columns, label="")
        unlabelled = _read_further("unlabelled", sources.unlabelled, without_label, bad, notes)
    bad.check()
    if bad.count:
        notes.append(f"{bad.count:,} rows rejected; the first: {bad.first()}")
    if bad.empty_lines:
        notes.append(f"{bad.empty_lines:,} empty line{'s' * (bad.empty_lines != 1)} skipped")

    names = _names_of_labels(train, sources.train, config, notes)
    undo = detokenizer(config.detokenize)
    order = config.labels or sources.train.label_names
    train_examples = _examples(train, sources.train, names, order, undo)
    if dev is not None and sources.dev is not None:
        dev_order = config.labels or sources.dev.label_names or order
        dev_examples = _examples(dev, sources.dev, names, dev_order, undo)
        if config.dev_rows:
            notes.append(f"--dev_rows={config.dev_rows} is not used: there is a dev split, {sources.dev.name}")
        train_examples = _without_dev(train_examples, dev_examples, "rows of train", notes)
    else:
        _refuse_lone_labels(train_examples, names, sources.train, train.lines, columns.label)
        train_examples, dev_examples = _cut(train_examples, names, config.dev_rows, seed, sources.train.name)
        notes.append(f"dev: {len(dev_examples):,} rows cut from {sources.train.name}, stratified, seed {seed}")
    for split, examples in (("train", train_examples), ("dev", dev_examples)):
        notes.append(f"{split}: {_rows_said(len(examples))} ({_rows_by_label(examples, names)})")
    more = Examples.without_labels([], None if train.text_pairs is None else [])
    if unlabelled is not None:
        unlabelled_examples = Examples.without_labels(*_undone(unlabelled, undo))
        more = _without_dev(unlabelled_examples, dev_examples, "unlabelled texts", notes)
    return Corpus(train_examples, dev_examples, more, names, tuple(notes))


# --- where to read ----------------------------------------------------------


@dataclass(frozen=True)
class _Sources:
    train: Table
    dev: Table | None
    unlabelled: Table | None


def _find_sources(config: DataConfig) -> _Sources:
    if not config.data:
        raise UsageError("--data is missing: name a file, a folder, tfds:NAME or asset:NAME")
    kind, _, name = config.data.partition(":")
    if config.dev_split and kind != "tfds":
        raise UsageError(f"--dev_split={config.dev_split}: splits are of tfds:NAME; name a file with --dev")
    if kind == "tfds":
        from tfkd.text.tfds_table import open_tfds

        train, dev = open_tfds(name, config.dev_split)
        found = _Sources(train, dev, None)
    elif kind == "asset":
        from tfkd.assets import data_folder

        found = _folder_sources(data_folder(name), DataConfig())
    else:
        path = Path(config.data)
        found = _folder_sources(path, config) if is_folder(path) else _Sources(_open(path, config), None, None)
    if config.dev:
        found = dataclasses.replace(found, dev=_open(config.dev, config))
    if config.unlabelled:
        found = dataclasses.replace(found, unlabelled=_open(config.unlabelled, config))
    return found


def _open(path: str | Path, config: DataConfig) -> Table:
    return open_table(path, config.encoding, config.quoting)


def _folder_sources(folder: Path, config: DataConfig) -> _Sources:
    train = _one_of(folder, ("train",))
    if train is None:
        raise InputError(f"{folder}: has no train file, expected train.tsv or another of {', '.join(SUFFIXES)}")
    dev = None if config.dev else _one_of(folder, ("dev", "validation"))
    unlabelled = None if config.unlabelled else _one_of(folder, ("unlabelled", "unlabeled"))
    return _Sources(
        _open(train, config), _open(dev, config) if dev else None, _open(unlabelled, config) if unlabelled else None
    )


def _one_of(folder: Path, stems: tuple[str, ...]) -> Path | None:
    found = [path for path in sorted(folder.iterdir()) if suffix_of(path) and path.name.split(".")[0] in stems]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"{folder}: {names}: which of them is meant? Leave one, or name files by --data and --dev")
    return found[0] if found else None


# --- rows -------------------------------------------------------------------


@dataclass
class _BadRows:
    """Counts rejected rows, and keeps as many as the limit lets through, or _WRITTEN_REJECTS; empty lines are none."""

    limit: int
    count: int = 0
    empty_lines: int = 0
    kept: list[Reject] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    def add(self, reject: Reject, unit: str) -> None:
        if reject.reason == EMPTY_LINE:
            self.empty_lines += 1
            return
        self.count += 1
        self.units[reject.file] = unit
        if len(self.kept) < max(self.limit, _WRITTEN_REJECTS):
            self.kept.append(reject)

    def first(self) -> str:
        return "; ".join(
            f"{reject.file}: {self.units[reject.file]} {reject.line}: {reject.reason}"
            for reject in self.kept[:_SHOWN_REJECTS]
        )

    def check(self) -> None:
        if self.count > self.limit:
            raise InputError(
                f"{self.first()}{'; ...' * (self.count > _SHOWN_REJECTS)}: {_rows_said(self.count)} can't be used; "
                f"mend them, or let them be left out with --max_bad_rows={self.count} (now {self.limit})"
            )


def _rows_said(rows: int) -> str:
    return f"{rows:,} row{'s' * (rows != 1)}"


def _shown(reject: Reject) -> dict[str, object]:
    return {"file": reject.file, "line": reject.line, "reason": reject.reason, "text": reject.excerpt}


@dataclass
class _Rows:
    """The usable rows of one table, their labels still as they stand there."""

    texts: list[str] = field(default_factory=list)
    text_pairs: list[str] | None = None
    labels: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def _read_rows(table: Table, columns: Columns, bad: _BadRows) -> _Rows:
    """Returns the usable rows; the others go to `bad`."""
    texts_in_row = 2 if columns.text_pair else 1
    rows = _Rows(text_pairs=[] if columns.text_pair else None)
    for row in table.rows(columns.names()):
        if isinstance(row, Reject):
            bad.add(row, table.unit)
            continue
        fault, label = next(filter(None, map(text_fault, row.cells[:texts_in_row])), ""), ""
        if columns.label:
            try:
                label = label_text(row.cells[-1])
            except ValueError as e:
                fault = fault or str(e)
            fault = fault or ("" if label else "no label")
        if fault:
            bad.add(Reject(table.name, row.line, fault, excerpt_of(row.cells)), table.unit)
            continue
        rows.texts.append(row.cells[0])
        if rows.text_pairs is not None:
            rows.text_pairs.append(row.cells[1])
        rows.labels.append(label)
        rows.lines.append(row.line)
    if not rows.texts:
        bad.check()
        raise InputError(f"{table.name}: has no rows" + " that can be used" * bool(bad.count))
    return rows


def _read_further(split: str, table: Table, columns: Columns, bad: _BadRows, notes: list[str]) -> _Rows:
    """Returns the usable rows of a table beside train, whose columns are train's, or guessed if these aren't there."""
    known, guesses = choose_columns_like(table, columns)
    notes += [f"{split}: {guess}" for guess in guesses]
    if (of_pairs := bool(known.text_pair)) == (not columns.text_pair):
        raise InputError(f"{table.name}: has {kind_of(of_pairs)}; expected {kind_of(not of_pairs)}, as in train")
    return _read_rows(table, known, bad)


# --- labels and texts -------------------------------------------------------


def _names_of_labels(rows: _Rows, table: Table, config: DataConfig, notes: list[str]) -> tuple[str, ...]:
    """Returns the names of the labels; train must have two of them at least."""
    counts = Counter(rows.labels)
    if len(counts) < 2:
        raise InputError(f"{table.name}: every row has the label {rows.labels[0]!r}, expected two labels at least")
    given = config.labels or table.label_names
    names = given or name_labels(counts)
    check_names(names)
    if given:
        numbers = label_numbers(names, given)
        found = {numbers.get(label) for label in counts}
        if absent := [name for number, name in enumerate(names) if number not in found]:
            notes.append(f"no row of train has the label {', '.join(absent[:_SHOWN_NAMES])}")
        return names
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike["".join(name.split()).casefold()].append(f"{name!r} ({_rows_said(counts[name])})")
    for several in (found for found in alike.values() if len(found) > 1):
        notes.append(
            f"labels {' and '.join(several)} differ by case or blanks alone: if they are one, write them alike"
        )
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
    notes.append(f"{len(names)} labels: {shown} (found in train, sorted; --labels fixes names and order)")
    return names


def _examples(
    rows: _Rows, table: Table, names: Sequence[str], order: Sequence[str], undo: Callable[[str], str]
) -> Examples:
    """Returns the rows as examples: labels as numbers (see `label_numbers`), texts with their tokenization undone."""
    numbers = label_numbers(names, order)
    labels = np.fromiter(
        (numbers.get(label, NO_LABEL) for label in rows.labels), dtype=np.int32, count=len(rows.labels)
    )
    if (unknown := np.flatnonzero(labels == NO_LABEL)).size:
        row = int(unknown[0])
        raise InputError(
            f"{table.name}: {table.unit} {rows.lines[row]}: the label {rows.labels[row][:40]!r} is none of "
            f"{', '.join(names[:_SHOWN_NAMES])}{', ...' * (len(names) > _SHOWN_NAMES)} "
            f"({unknown.size:,} such row{'s' * (unknown.size != 1)}); name all labels with --labels, in the order of "
            "their numbers if it has these"
        )
    texts, pairs = _undone(rows, undo)
    return Examples(texts, labels, pairs)


def _undone(rows: _Rows, undo: Callable[[str], str]) -> tuple[list[str], list[str] | None]:
    pairs = None if rows.text_pairs is None else [undo(text) for text in rows.text_pairs]
    return [undo(text) for text in rows.texts], pairs


# --- splits -----------------------------------------------------------------


def _refuse_lone_labels(
    examples: Examples, names: tuple[str, ...], table: Table, lines: list[int], column: str
) -> None:
    """Raises InputError if a label has one row, which can't be on both sides of a cut."""
    counts = Counter(examples.labels.tolist())
    lone = [row for row, label in enumerate(examples.labels.tolist()) if counts[label] == 1]
    if not lone:
        return
    if len(lone) > max(_SHOWN_NAMES, len(counts) / 2):
        raise InputError(
            f"{table.name}: {len(counts):,} labels in {len(examples):,} rows, {len(lone):,} of them with one row "
            f"alone: is {column!r} the column of labels? Choose with --label_column, or give a dev file with --dev"
        )
    raise InputError(
        f"{table.name}: {table.unit} {lines[lone[0]]}: label {names[examples.labels[lone[0]]]!r} has one row alone "
        f"({_rows_by_label(examples, names)}): a typo? Mend it, add rows of it, or give a dev file with --dev"
    )


def _rows_by_label(examples: Examples, names: tuple[str, ...]) -> str:
    """Returns the rows of each label, most first; of many labels the largest and the smallest."""
    counts = Counter(names[label] for label in examples.labels.tolist())
    shown = [f"{name}: {rows:,}" for name, rows in sorted(counts.items(), key=lambda found: (-found[1], found[0]))]
    if len(shown) > _SHOWN_NAMES:
        shown[_SHOWN_NAMES // 2 : -_SHOWN_NAMES // 2] = ["..."]
    return ", ".join(shown)


def _cut(
    examples: Examples, label_names: tuple[str, ...], dev_rows: int, seed: int, name: str
) -> tuple[Examples, Examples]:
    dev_rows = dev_rows or max(len(examples) // 10, len(set(examples.labels.tolist())))
    try:
        train, dev = cut_dev(inseparable(examples), examples.labels.tolist(), dev_rows, seed)
    except InputError as e:
        raise InputError(f"{name}: {e}") from e
    for label in sorted(set(examples.labels.tolist()) - set(examples.labels[dev].tolist())):
        raise InputError(
            f"{name}: dev gets none of the {_rows_said(int((examples.labels == label).sum()))} with the label "
            f"{label_names[label]!r}: too many are alike, and what is alike stays on one side; raise --dev_rows, or "
            "give a dev file with --dev"
        )
    return examples.take(train), examples.take(dev)


def _without_dev(examples: Examples, dev: Examples, what: str, notes: list[str]) -> Examples:
    """Returns the examples that don't hold dev's: what a student is measured on it must not have seen."""
    holds = find_overlap(examples, dev)
    if left_out := int(holds.sum()):
        shown = excerpt_of([texts[int(holds.argmax())] for texts in examples.columns])
        notes.append(
            f"{left_out:,} of {len(examples):,} {what} hold a row of dev: no model is to learn them, since what was "
            f"seen in training is easily right; the first: {shown!r}"
        )
    return examples.take(np.flatnonzero(~holds))

"""Which columns of a table hold the text, the second text and the label."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError
from tfkd.text.labels import label_text
from tfkd.text.readers import Row, Table

# Names seen in GLUE, TensorFlow Datasets and common CSVs, the surer first.
_TEXT = ("sentence", "text", "review", "phrase", "content", "comment", "tweet", "message", "headline", "utterance")
_PAIRS = (
    ("text", "text_pair"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("question", "sentence"),
    ("#1 string", "#2 string"),
)
_LABEL = (
    "label", "labels", "gold_label", "class", "sentiment", "category", "target", "is_duplicate", "quality",
    "intent", "topic",
)  # fmt: skip
# What labels are like, and texts, where no name tells.
_LOOKED_AT_ROWS = 20_000
_MOST_LABELS = 50
_LABEL_CHARS = 40
_ROWS_A_LABEL = 3
_WORDS_A_TEXT = 3


@dataclass(frozen=True)
class Columns:
    """Names of columns; "" for a text pair or label that isn't there."""

    text: str
    text_pair: str = ""
    label: str = ""

    def names(self) -> tuple[str, ...]:
        """Returns those that are there: text, then text pair, then label."""
        return tuple(self.by_kind().values())

    def by_kind(self) -> dict[str, str]:
        """Returns the names of those that are there by what stands in them, in the same order."""
        each = {"text": self.text, "text pair": self.text_pair, "label": self.label}
        return {kind: name for kind, name in each.items() if name}

    def beside(self, named: Columns) -> dict[str, str]:
        """Returns those of kinds that `named` doesn't have, as `by_kind`."""
        return {kind: name for kind, name in self.by_kind().items() if kind not in named.by_kind()}


def choose_columns(table: Table, config: DataConfig, labelled: bool = True) -> tuple[Columns, list[str]]:
    """Returns the columns to read, and what to say of those that were guessed.

    Args:
      table: where they are looked for.
      config: its `text_column`, `text_pair_column`, `label_column` are taken as
        they stand; what is not said there is guessed, from the names if they tell,
        else from what stands in the columns.
      labelled: False if no label is wanted.

    Raises:
      InputError: a column isn't there or is there twice, or none can be guessed.
      UsageError: a second text is named without the first.
    """
    if config.text_pair_column and not config.text_column:
        raise UsageError(f"--text_pair_column={config.text_pair_column}: needs --text_column for the first text")
    named = Columns(config.text_column, config.text_pair_column, config.label_column if labelled else "")
    columns = _guessed(table, named, labelled)
    notes = [
        f"{kind} column: {name} (guessed; --{kind.replace(' ', '_')}_column says otherwise)"
        for kind, name in columns.beside(named).items()
    ]
    if not named.text and not columns.text_pair and (unread := _further_texts(table, columns)):
        notes.append(
            f"{', '.join(unread)} {'has' if len(unread) == 1 else 'have'} texts too, which aren't read: name the "
            "second texts of pairs with --text_pair_column; what is to be read as one text must stand in one column"
        )
    return columns, notes


def choose_columns_like(table: Table, train: Columns) -> tuple[Columns, list[str]]:
    """Returns train's columns of a table beside it, and what to say of those that aren't there and were guessed.

    Flags name train's, so that a name of its own is the table's to change.

    Raises:
      InputError: a column is there twice, or none can be guessed.
    """
    texts_there = all(name in table.columns for name in (train.text, train.text_pair) if name)
    named = Columns(
        train.text if texts_there else "",
        train.text_pair if texts_there else "",
        train.label if train.label in table.columns else "",
    )
    columns = _guessed(table, named, bool(train.label), train)
    return columns, [
        f"{kind} column: {name} (guessed; train's is {train.by_kind().get(kind, 'none')})"
        for kind, name in columns.beside(named).items()
    ]


def _guessed(table: Table, named: Columns, labelled: bool, train: Columns | None = None) -> Columns:
    """Returns the named columns, and those that aren't named as names or contents tell them."""
    _require(table, named, train)
    columns = named
    if labelled and not named.label:
        columns = replace(columns, label=_first_of(_LABEL, table))
    if not named.text:
        text, pair = _texts_by_name(table, columns.label)
        if text and not _has_letters(table, text):  # a number of stars, say, in a column named review
            text, pair = "", ""
        columns = replace(columns, text=text, text_pair=pair)
    if not columns.text or (labelled and not columns.label):
        columns = _by_contents(table, columns, labelled, train)
    _require(table, columns, train)
    if len(set(columns.names())) != len(columns.names()):
        raise UsageError(
            f"{table.name}: one column can't be two of text, text pair and label: {', '.join(columns.names())}"
        )
    return columns


def _require(table: Table, columns: Columns, train: Columns | None) -> None:
    """Raises InputError unless each of the columns is in the table just once."""
    for kind, name in columns.by_kind().items():
        if table.columns.count(name) != 1:
            fault = f"{table.columns.count(name)} columns are" if name in table.columns else "no column is"
            advice = _advice(f"choose with --{kind.replace(' ', '_')}_column", train)
            raise InputError(f"{table.name}: {fault} named {name!r}; {_there_are(table)}; {advice}")


def _advice(flags: str, train: Columns | None) -> str:
    """Returns how the columns of train are to be named, or those of a table beside it, which flags don't name."""
    return flags if train is None else f"name its columns as train's: {', '.join(train.names())}"


def _texts_by_name(table: Table, label: str) -> tuple[str, str]:
    """Returns text and text pair, "" where no name tells; one column that is left over is the text."""
    for pair in _PAIRS:
        first, second = (_first_of((name,), table) for name in pair)
        if first and second:
            return first, second
    others = [name for name in table.columns if name and name != label]
    left_over = others[0] if len(others) == 1 and (label or len(table.columns) == 1) else ""
    return _first_of(_TEXT, table) or left_over, ""


def _has_letters(table: Table, column: str) -> bool:
    """Whether a column has any letters; so it is said to have if all of it is blank, or it is there twice."""
    if table.columns.count(column) != 1:
        return True
    blank = True
    for row in itertools.islice(table.rows([column]), _LOOKED_AT_ROWS):
        if isinstance(row, Row) and row.cells[0] is not None and (text := str(row.cells[0]).strip()):
            blank = False
            if any(map(str.isalpha, text)):
                return True
    return blank


def _further_texts(table: Table, known: Columns) -> list[str]:
    """Returns the columns that look like texts beside the known ones."""
    return [name for name, cells in _contents_of_others(table, known).items() if _look_like_texts(cells)]


def _contents_of_others(table: Table, known: Columns) -> dict[str, list[Any]]:
    """Returns the cells of the first rows by the names of the columns that aren't known, and are there once."""
    others = [name for name in table.columns if name and table.columns.count(name) == 1 and name not in known.names()]
    rows = itertools.islice(table.rows(others), _LOOKED_AT_ROWS if others else 0)
    usable = [row.cells for row in rows if isinstance(row, Row)]
    return {name: [cells[place] for cells in usable] for place, name in enumerate(others)}


def _by_contents(table: Table, known: Columns, labelled: bool, train: Columns | None) -> Columns:
    """Returns the known columns, and for text or label that is missing the one column that looks like it.

    Raises:
      InputError: none does, or several do; or the table has no header, or no rows.
    """
    if labelled and len(table.columns) == 1:
        raise InputError(
            f"{table.name}: its one column is {table.columns[0][:40]!r}; expected a column of texts and one of labels"
        )
    if next(iter(table.rows(table.columns[:1])), None) is None:
        raise InputError(f"{table.name}: has no rows")
    contents = _contents_of_others(table, known)
    unknown = list(contents)
    texts = [known.text] if known.text else [name for name in unknown if _look_like_texts(contents[name])]
    labels = [known.label] if known.label else [name for name in unknown if _look_like_labels(contents[name])]
    if not labelled:
        labels = [""]
    rarely_differing = sorted(unknown, key=lambda name: len(set(map(str, contents[name]))))
    label = next(iter(labels), "") or next((name for name in rarely_differing if name not in texts), "")
    longest = max(texts, key=lambda name: sum(len(str(cell)) for cell in contents.get(name, ())), default="")
    text = longest or next((name for name in reversed(rarely_differing) if name != label), "")
    flags = f"--text_column={shlex.quote(text)}" + f" --label_column={shlex.quote(label)}" * labelled
    if len(texts) > 1:
        flags += "; what is to be read as one text must stand in one column"
    if len(texts) == 2:
        first, second = map(shlex.quote, texts)
        flags += f"; if they are a pair, --text_column={first} --text_pair_column={second}"
    row_above = next((name for name in unknown if name in contents[name]), "")
    if row_above and table.has_header:
        raise InputError(
            f"{table.name}: line 1: looks like a row, as {row_above[:40]!r} stands further down too; expected a "
            "header: the names of the columns, such as text,label; if it is one, "
            + _advice("say --text_column and --label_column", train)
        )
    for what, found in (("text", texts), ("label", labels)):
        if len(found) != 1:
            fault = (
                f"{' and '.join(map(repr, found))} may each be the {what}"
                if found
                else f"no column looks like the {what}"
            )
            advice = _advice(f"name the columns, such as {flags}", train)
            raise InputError(f"{table.name}: {fault}; {_there_are(table)}; {advice}")
    return Columns(texts[0], known.text_pair, labels[0])


def _look_like_texts(cells: Sequence[Any]) -> bool:
    """Returns whether the cells are strings of several words that mostly differ."""
    texts = [cell for cell in cells if cell is not None and cell != ""]
    if not texts or not all(isinstance(text, str) for text in texts):
        return False
    return sum(len(text.split()) for text in texts) >= _WORDS_A_TEXT * len(texts) and 2 * len(set(texts)) >= len(texts)


def _look_like_labels(cells: Sequence[Any]) -> bool:
    """Returns whether most cells are filled, by a few short values that recur."""
    try:
        rows_of = Counter(label for cell in cells if (label := label_text(cell)))
    except ValueError:
        return False
    filled = rows_of.total()
    return (
        2 <= len(rows_of) <= _MOST_LABELS
        and max(map(len, rows_of)) <= _LABEL_CHARS
        and filled >= max(_ROWS_A_LABEL * len(rows_of), len(cells) / 2)
    )


def _first_of(names: tuple[str, ...], table: Table) -> str:
    by_lower_case = {column.lower(): column for column in reversed(table.columns)}
    return next((by_lower_case[name] for name in names if name in by_lower_case), "")


def _there_are(table: Table) -> str:
    shown = ", ".join(repr(name[:40]) for name in table.columns[:12]) + (", ..." if len(table.columns) > 12 else "")
    return f"its first line, the header, names {shown}" if table.has_header else f"its columns are {shown}"

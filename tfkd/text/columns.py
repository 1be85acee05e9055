"""Which columns of a table hold the text, the second text and the label."""

from __future__ import annotations

from dataclasses import dataclass

from tfkd.config import DataConfig
from tfkd.errors import InputError, UsageError
from tfkd.text.readers import Table

# Names seen in GLUE, TensorFlow Datasets and common CSVs, the surer first.
_TEXT = ("sentence", "text", "review", "phrase", "content", "comment", "tweet", "message", "headline", "utterance")
_PAIRS = (
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("question", "sentence"),
)
_LABEL = (
    "label", "labels", "gold_label", "class", "sentiment", "category", "target", "is_duplicate", "intent", "topic",
)  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """Names of columns; "" for a text pair or label that isn't there."""

    text: str
    text_pair: str = ""
    label: str = ""

    def names(self) -> tuple[str, ...]:
        """Returns those that are there: text, then text pair, then label."""
        return tuple(name for name in (self.text, self.text_pair, self.label) if name)


def choose_columns(table: Table, config: DataConfig, labelled: bool = True) -> tuple[Columns, list[str]]:
    """Returns the columns to read, and what to say of those that were guessed.

    Args:
      table: where they are looked for.
      config: its `text_column`, `text_pair_column`, `label_column` are taken as
        they stand; what is not said there is guessed from the names.
      labelled: False if no label is wanted.

    Raises:
      InputError: a column isn't there or is there twice, or none can be guessed.
      UsageError: a second text is named without the first.
    """
    if config.text_pair_column and not config.text_column:
        raise UsageError(f"--text_pair_column={config.text_pair_column}: needs --text_column for the first text")
    notes: list[str] = []
    label = (config.label_column or _guess_label(table)) if labelled else ""
    text, pair = config.text_column, config.text_pair_column
    if not text:
        text, pair = _guess_texts(table, label)
    _say("text", text, bool(config.text_column), notes)
    if pair:
        _say("text pair", pair, bool(config.text_pair_column), notes)
    if label:
        _say("label", label, bool(config.label_column), notes)
    columns = Columns(text, pair, label)
    require_columns(table, columns)
    if len(set(columns.names())) != len(columns.names()):
        raise UsageError(
            f"{table.name}: one column can't be two of text, text pair and label: {', '.join(columns.names())}"
        )
    return columns, notes


def require_columns(table: Table, columns: Columns) -> None:
    """Raises InputError unless each of the columns is in the table just once."""
    flags = ((columns.text, "text"), (columns.text_pair, "text_pair"), (columns.label, "label"))
    for name, flag in flags:
        if name and table.columns.count(name) != 1:
            fault = f"{table.columns.count(name)} columns are" if name in table.columns else "no column is"
            raise InputError(f"{table.name}: {fault} named {name!r}; {_there_are(table)}; choose with --{flag}_column")


def _say(what: str, name: str, by_flag: bool, notes: list[str]) -> None:
    if not by_flag:
        notes.append(f"{what} column: {name} (guessed; --{what.replace(' ', '_')}_column says otherwise)")


def _guess_label(table: Table) -> str:
    found = _first_of(_LABEL, table)
    if not found:
        raise InputError(
            f"{table.name}: no column looks like the label; {_there_are(table)}; name it with --label_column"
        )
    return found


def _guess_texts(table: Table, label: str) -> tuple[str, str]:
    for pair in _PAIRS:
        first, second = (_first_of((name,), table) for name in pair)
        if first and second:
            return first, second
    if found := _first_of(_TEXT, table):
        return found, ""
    others = [name for name in table.columns if name and name != label]
    if len(others) == 1 and (label or len(table.columns) == 1):
        return others[0], ""
    raise InputError(f"{table.name}: no column looks like the text; {_there_are(table)}; name it with --text_column")


def _first_of(names: tuple[str, ...], table: Table) -> str:
    by_lower_case = {column.lower(): column for column in reversed(table.columns)}
    return next((by_lower_case[name] for name in names if name in by_lower_case), "")


def _there_are(table: Table) -> str:
    shown = ", ".join(repr(name[:40]) for name in table.columns[:12]) + (", ..." if len(table.columns) > 12 else "")
    return f"its first line, the header, names {shown}" if table.unit == "line" else f"its columns are {shown}"

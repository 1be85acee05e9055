"""The files that the GLUE server takes: a model's labels for the test sets that have none (gluebenchmark.com)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfkd.config import DataConfig
from tfkd.errors import InputError
from tfkd.export.litert_classifier import LiteRtClassifier
from tfkd.files import write_text
from tfkd.progress import say
from tfkd.text.columns import choose_columns
from tfkd.text.detokenizer import detokenizer
from tfkd.text.examples import kind_of
from tfkd.text.readers import Reject, Table, open_table, text_fault
from tfkd.text.tfds_table import open_tfds_split

_ROWS_A_CALL = 1024
# TensorFlow Datasets', whose rows come in an order of their own; GLUE's; GLUE's of QQP.
_INDEX_COLUMNS = ("idx", "index", "id")


@dataclass(frozen=True)
class GlueTask:
    """A task of GLUE.

    Attributes:
      file: the name that the server looks for.
      labels: what it calls labels 0, 1, ...
      tfds_labels: what TensorFlow Datasets calls them.
    """

    file: str
    labels: tuple[str, ...]
    tfds_labels: tuple[str, ...]


_MNLI = ("entailment", "neutral", "contradiction")
_ENTAILMENT = ("entailment", "not_entailment")
# By the names of TensorFlow Datasets.
GLUE_TASKS = {
    "ax": GlueTask("AX.tsv", _MNLI, _MNLI),
    "cola": GlueTask("CoLA.tsv", ("0", "1"), ("unacceptable", "acceptable")),
    "mnli_matched": GlueTask("MNLI-m.tsv", _MNLI, _MNLI),
    "mnli_mismatched": GlueTask("MNLI-mm.tsv", _MNLI, _MNLI),
    "mrpc": GlueTask("MRPC.tsv", ("0", "1"), ("not_equivalent", "equivalent")),
    "qnli": GlueTask("QNLI.tsv", _ENTAILMENT, _ENTAILMENT),
    "qqp": GlueTask("QQP.tsv", ("0", "1"), ("not_duplicate", "duplicate")),
    "rte": GlueTask("RTE.tsv", _ENTAILMENT, _ENTAILMENT),
    "sst2": GlueTask("SST-2.tsv", ("0", "1"), ("negative", "positive")),
    "wnli": GlueTask("WNLI.tsv", ("0", "1"), ("not_entailment", "entailment")),
}
_LABELS = {label for task in GLUE_TASKS.values() for label in task.tfds_labels}


def write_glue_file(
    classifier: LiteRtClassifier, task: str, source: str, folder: str | Path, config: DataConfig
) -> Path:
    """Writes a model's labels for a task's test set, and returns the file.

    Args:
      classifier: the model.
      task: a key of GLUE_TASKS.
      source: a file with the test set's rows in their order; "" takes them from TensorFlow Datasets.
      folder: where the file goes.
      config: which columns the texts are in, and how they are detokenized.

    Raises:
      InputError: the test set can't be read, or is of pairs and the model isn't, or the reverse; or the
        model's labels aren't the task's.
    """
    glue = GLUE_TASKS[task]
    table = open_table(source) if source else open_tfds_split(f"glue/{task}", "test")
    names = _server_labels(classifier.label_names, glue, task)
    columns, notes = choose_columns(table, config, labelled=False)
    if (of_pairs := bool(columns.text_pair)) != classifier.pairs:
        raise InputError(f"{table.name}: has {kind_of(of_pairs)}; the model classifies {kind_of(not of_pairs)}")
    for note in notes:
        say(f"data: {note}")
    rows, undo = _rows(table, columns.names()), detokenizer(config.detokenize)
    lines = []
    for start in range(0, len(rows), _ROWS_A_CALL):
        texts = ([*map(undo, column)] for column in zip(*rows[start : start + _ROWS_A_CALL], strict=True))
        lines += [names[label] for label in classifier.predict(*texts).argmax(1)]
    path = Path(folder) / glue.file
    write_text(path, "index\tprediction\n" + "".join(f"{i}\t{label}\n" for i, label in enumerate(lines)))
    return path


def _server_labels(names: Sequence[str], glue: GlueTask, task: str) -> list[str]:
    """Returns the server's name of each of the model's labels; a name of GLUE's own stands for no other label."""
    for known in (glue.tfds_labels, glue.labels):
        if set(names) == set(known):
            return [glue.labels[known.index(name)] for name in names]
    by_order = [*zip(names, glue.tfds_labels, strict=False)]
    if len(names) != len(glue.labels) or any(name in _LABELS and name != known for name, known in by_order):
        raise InputError(
            f"the model has the labels {', '.join(names)}; GLUE's {task} has {', '.join(glue.tfds_labels)}: "
            "is that the task it learnt?"
        )
    say(f"labels: {', '.join(f'{name} for {known}' for name, known in by_order)}, by their order")
    return list(glue.labels)


def _rows(table: Table, texts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Returns all texts, in the test set's order; a row that can't be read would put the others out of place."""
    index_column = next((name for name in _INDEX_COLUMNS if name in table.columns and name not in texts), "")
    found = []
    for number, row in enumerate(table.rows((*texts, index_column) if index_column else texts)):
        cells = () if isinstance(row, Reject) else row.cells
        if fault := row.reason if isinstance(row, Reject) else _fault(cells[: len(texts)]):
            raise InputError(f"{table.name}: {table.unit} {row.line}: {fault}; every row needs a label")
        index = str(cells[-1] if index_column else number)
        if not index.isdecimal():
            raise InputError(
                f"{table.name}: {table.unit} {row.line}: {index_column} is {index!r}; expected a whole number"
            )
        found.append((int(index), cells[: len(texts)]))
    found.sort()
    if not found or [index for index, _ in found] != list(range(len(found))):
        by = f" by {index_column}" * bool(index_column)
        raise InputError(f"{table.name}: its rows aren't numbered{by} from 0 without a gap, or there are none")
    return [cells for _, cells in found]


def _fault(texts: Sequence[object]) -> str:
    """Returns why a row can't be classified, or ""; one without any words can, and the server wants its label too."""
    faults = (text_fault(text) for text in texts if text is None or str(text).strip())
    return next(filter(None, faults), "")

"""Splits of TensorFlow Datasets, as tables."""

from __future__ import annotations

import difflib
import io
import logging
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from tfkd.errors import InputError
from tfkd.native_stderr import silenced
from tfkd.progress import Bar, say
from tfkd.text.readers import Reject, Row, Table

_BATCH_ROWS = 1024
_DEV_SPLITS = ("validation", "validation_matched", "dev")
_RETRIES = 3  # take 1.2 s; the 10 of TensorFlow Datasets, each after twice the pause, 205 s
_SHOWN_NAMES = 12


def open_tfds(name: str, dev_split: str = "") -> tuple[Table, Table | None]:
    """Returns the train split of a dataset, and a split to measure on if it has one.

    It is downloaded first unless it lies in TensorFlow Datasets' own folder
    (TFDS_DATA_DIR, else ~/tensorflow_datasets). A test split is left alone.

    Args:
      name: as TensorFlow Datasets knows it, such as "glue/sst2".
      dev_split: the split to measure on; by default the first of _DEV_SPLITS that it has.

    Raises:
      InputError: there is no such dataset or split, it can't be downloaded, or it
        has no train split.
    """
    builder = _prepared(name)
    dev = dev_split or next((split for split in _DEV_SPLITS if split in builder.info.splits), None)
    return _table(builder, name, "train"), _table(builder, name, dev) if dev else None


def open_tfds_split(name: str, split: str) -> Table:
    """Returns one split of a dataset; else as `open_tfds`."""
    return _table(_prepared(name), name, split)


def _prepared(name: str) -> Any:
    """Returns the builder of a dataset that is there."""
    try:
        import tensorflow_datasets as tfds
    except ImportError as e:
        raise InputError(
            f"tfds:{name}: TensorFlow Datasets isn't installed ({e}); pip install tensorflow-datasets"
        ) from e
    with _quiet():
        try:
            builder = tfds.builder(name)
        except Exception as e:  # Besides its own, it lets through errors of file systems, networks and parsers.
            raise InputError(
                f"tfds:{name}: TensorFlow Datasets knows no such dataset: {_nearest(name) or _reason(e)}"
            ) from e
        try:
            was_there = builder.is_prepared()
            builder.download_and_prepare()
        except ImportError as e:
            raise InputError(f"tfds:{name}: can't be prepared: {_reason(e)}; install that package with pip") from e
        except Exception as e:
            raise InputError(
                f"tfds:{name}: isn't in {builder.data_dir} and can't be downloaded: {_reason(e)}; "
                "is there a network? Else copy the prepared dataset there, or set TFDS_DATA_DIR to where it is"
            ) from e
    if not was_there:
        say(f"tfds:{name}: kept in {builder.data_dir}")
    return builder


@contextmanager
def _quiet() -> Iterator[None]:
    """Drops what TensorFlow Datasets says but for its bars, drawn as ours; exceptions tell what went wrong."""
    from tensorflow_datasets.core.download import downloader
    from tensorflow_datasets.core.utils import tqdm_utils

    downloader.MAX_RETRIES = _RETRIES
    tqdm_utils.tqdm_lib = SimpleNamespace(tqdm=Bar)
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


@dataclass(frozen=True)
class _TfdsTable:
    """One split. Columns are its scalar texts and labels; rows count from 1."""

    builder: Any
    name: str
    split: str
    columns: tuple[str, ...]
    class_names: dict[str, tuple[str, ...]]
    label_names: tuple[str, ...]
    unit: str = "row"
    has_header: bool = False
    note: str = ""

    def rows(self, wanted: Sequence[str]) -> Iterator[Row | Reject]:
        import tensorflow_datasets as tfds

        with silenced():
            import tensorflow as tf  # noqa: F401  (which tfds does as soon as it reads, with greetings)

        number = 0
        batches = self.builder.as_dataset(split=self.split, shuffle_files=False).batch(_BATCH_ROWS)
        for batch in tfds.as_numpy(batches):
            columns = [[self._cell(name, value) for value in batch[name].tolist()] for name in wanted]
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(number, cells)

    def _cell(self, column: str, value: Any) -> Any:
        """Returns a text as str, a class as its name; -1, which stands for no label, as None."""
        if isinstance(value, bytes):
            try:
                return value.decode("utf-8")
            except UnicodeDecodeError:
                return value  # which is rejected, being no string
        if names := self.class_names.get(column):
            return names[value] if value >= 0 else None
        return value


def _table(builder: Any, name: str, split: str) -> Table:
    import tensorflow_datasets as tfds

    if split not in builder.info.splits:
        raise InputError(f"tfds:{name}: has no split {split!r}, only {', '.join(builder.info.splits)}")
    features = builder.info.features
    classes = {
        column: tuple(feature.names)
        for column, feature in features.items()
        if isinstance(feature, tfds.features.ClassLabel)
    }
    columns = tuple(column for column, feature in features.items() if getattr(feature, "shape", None) == ())
    label_names = next(iter(classes.values())) if len(classes) == 1 else ()
    return _TfdsTable(builder, f"tfds:{name} {split}", split, columns, classes, label_names)


def _nearest(name: str) -> str:
    """Returns which datasets, or configs of its dataset, are most like a name; "" if that isn't what is wrong."""
    import tensorflow_datasets as tfds

    dataset, _, config = name.partition("/")
    known = tfds.list_builders(with_community_datasets=False)
    sought, names = (config, list(tfds.builder_cls(dataset).builder_configs)) if dataset in known else (dataset, known)
    if ":" in name or not names or sought in names:
        return ""
    shown = difflib.get_close_matches(sought, names, _SHOWN_NAMES, cutoff=0)
    return f"{sought!r} is none of {', '.join(shown)}{', ...' * (len(names) > _SHOWN_NAMES)}"


def _reason(error: BaseException) -> str:
    """Returns what an error says in one line; of a connection that failed what names the host and the cause."""
    found, inner = error, error.__cause__ or error.__context__
    while inner:
        found = inner if type(inner).__module__ == "urllib3.exceptions" else found
        inner = inner.__cause__ or inner.__context__
    return textwrap.shorten(str(found), 300, placeholder=" ...") or type(found).__name__

"""Examples as Parquet files, which the later steps read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tfkd.errors import InputError
from tfkd.files import atomic_path
from tfkd.text.examples import Examples

_METADATA_KEY = b"tfkd.examples"


def write_examples(path: str | Path, examples: Examples, label_names: Sequence[str]) -> None:
    """Writes a Parquet file of columns text, text_pair (pairs only) and label (int32).

    The names of the labels stand in the schema's metadata. Equal examples give
    equal bytes.

    Raises:
      InputError: the file can't be written.
    """
    columns = {"text": pa.array(examples.texts, pa.string())}
    if examples.text_pairs is not None:
        columns["text_pair"] = pa.array(examples.text_pairs, pa.string())
    columns["label"] = pa.array(examples.labels, pa.int32())
    metadata = {_METADATA_KEY: json.dumps({"label_names": list(label_names)}, ensure_ascii=False)}
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns).replace_schema_metadata(metadata), temporary, compression="zstd")


def read_examples(path: str | Path) -> tuple[Examples, tuple[str, ...]]:
    """Returns what `write_examples` wrote: the examples, and the names of their labels.

    Raises:
      InputError: there is no such file, or it is another.
    """
    try:
        with pq.ParquetFile(path) as f:
            table = f.read()
        names = json.loads((table.schema.metadata or {})[_METADATA_KEY])["label_names"]
    except FileNotFoundError as e:
        raise InputError(f"{path}: there is no such file") from e
    except (pa.ArrowException, OSError, KeyError, ValueError) as e:
        raise InputError(f"{path}: isn't a file of examples that tfkd wrote ({' '.join(str(e).split())})") from e
    pairs = table["text_pair"].to_pylist() if "text_pair" in table.column_names else None
    labels = table["label"].to_numpy().astype(np.int32)
    return Examples(table["text"].to_pylist(), labels, pairs), tuple(names)

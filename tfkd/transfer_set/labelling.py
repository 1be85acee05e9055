"""The teacher's logits for every sentence, once; or those of any other model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tfkd.config import LabelConfig
from tfkd.errors import InputError
from tfkd.files import atomic_folder, read_object, refuse_to_replace, write_json
from tfkd.models.int8_teacher import Int8Teacher
from tfkd.models.teacher import Teacher
from tfkd.progress import progress_bar, say
from tfkd.text.examples import NO_LABEL, Examples, digest, kind_of, unit_of
from tfkd.text.labels import check_names
from tfkd.text.overlap import find_overlap
from tfkd.transfer_set.shards import (
    MANIFEST,
    SHARD_PATTERN,
    SHARDS_FILES,
    ShardedTable,
    examples_of,
    is_labelled,
    is_of_pairs,
    is_whole_shard,
    manifest_of,
    sentences_schema,
    shard_path,
    text_columns,
    transfer_set_schema,
    write_manifest,
    write_shard,
)

_UNKNOWN_SOURCE = "unlabelled"  # of rows of another model, which may say nothing of it
_STARTED = "labelling.json"  # whose labels the shards of an unfinished folder are

# What int8 may add to the teacher's logits, as a share of their variance; a student misses them by some 10 %.
_MAX_INT8_ERROR = 0.01
_COMPARED_SENTENCES = 256


def label_sentences(
    sentences: ShardedTable, teacher: Teacher, fingerprint: str, config: LabelConfig, folder: str | Path
) -> ShardedTable:
    """Adds the teacher's logits to every sentence, a shard at a time.

    Called again after an interruption it goes on at the first missing shard;
    shards of another teacher or of other sentences are made anew.

    Args:
      sentences: shards of `sentences_schema`.
      teacher: labels them.
      fingerprint: tells it from others.
      config: in what precision.
      folder: where the shards of `transfer_set_schema` go.

    Raises:
      InputError: the folder holds something else than a transfer set, or is the one that is to be labelled.
    """
    folder = Path(folder)
    if folder.resolve() == sentences.folder.resolve():
        raise InputError(
            f"{folder}: can't be labelled in place, as shards are replaced one by one; name another folder"
        )
    _refuse_to_replace(folder)
    facts = {
        **{k: v for k, v in sentences.manifest.items() if k not in ("rows", "shards")},
        "teacher": fingerprint,
        "precision": config.label_precision,
        "sentences": [shard["sha256"] for shard in sentences.manifest["shards"]],
    }
    _start(folder, facts)
    labelled = {i for i in range(len(sentences)) if shard_path(folder, i).exists()}
    if labelled:
        say(f"label: going on with {len(labelled)} of {len(sentences)} shards labelled already")
    if missing := sorted(set(range(len(sentences))) - labelled):
        labeller = _labeller(teacher, sentences, config)
        done = sum(sentences.manifest["shards"][i]["rows"] for i in labelled)
        with progress_bar(sentences.rows, "label", unit_of(is_of_pairs(sentences.schema)), done) as bar:
            for i in missing:
                table = sentences.read(i, sentences_schema(is_of_pairs(sentences.schema)).names)
                logits = labeller.logits(labeller.encode(*examples_of(table).columns), progress=bar)
                _check_finite(
                    logits, f"the teacher {fingerprint[:12]}", "fine-tune it again with a lower learning rate"
                )
                write_shard(folder, i, _with_logits(table, logits))
    write_manifest(folder, len(sentences), facts)
    (folder / _STARTED).unlink(missing_ok=True)
    return ShardedTable(folder)


def import_logits(
    source: str | Path,
    label_names: tuple[str, ...],
    config: LabelConfig,
    folder: str | Path,
    dev: Examples | None = None,
) -> ShardedTable:
    """Takes the logits of any other model as the transfer set, so that no teacher need be run.

    Args:
      source: a Parquet file, or a folder of them, with columns `text` (string) and
        `logits` (list of as many floats as there are labels), for pairs `text_pair`
        too; `label` (int; null or NO_LABEL where there is none) and `source` (string or null) are optional.
      label_names: the names of the classes in the order of the logits.
      config: how many sentences a shard.
      folder: where the shards of `transfer_set_schema` go.
      dev: what students of it are to be measured on; rows that hold any of it are left out.

    Raises:
      InputError: a file or column is missing or of another kind, a logit isn't finite, or the folder holds something
        else than a transfer set.
    """
    check_names(label_names)
    _refuse_to_replace(Path(folder))
    paths = _parquet_files(Path(source))
    tables = _foreign_tables(paths, len(label_names))
    facts: dict[str, Any] = {"teacher": None, "logits_from": str(source), "label_names": list(label_names)}
    if dev is not None:
        tables, facts["dev"] = _without(dev, tables, str(source)), digest(dev)
    with atomic_folder(folder) as temporary:
        shards = 0
        for table in _rechunked(tables, config.shard_rows):
            write_shard(temporary, shards, table)
            shards += 1
        if not shards:
            why = "no rows" if dev is None else "no rows but what holds texts of dev"
            raise InputError(f"--logits_from={source}: {why} in {', '.join(map(str, paths))}")
        write_manifest(temporary, shards, facts)
    say(f"label: the logits of {source} were taken to be of {', '.join(label_names)}, in this order")
    return ShardedTable(folder)


def _refuse_to_replace(folder: Path) -> None:
    files = (_STARTED, *SHARDS_FILES)
    refuse_to_replace(
        folder, "a transfer set", files, lambda f: (f / _STARTED).is_file() or is_labelled(manifest_of(f))
    )


def _start(folder: Path, facts: dict[str, Any]) -> None:
    """Clears the folder unless its shards are of this teacher and these sentences; then of what isn't whole alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (_STARTED, MANIFEST):
        if (folder / name).is_file():
            known = read_object(folder / name)
            if {k: known.get(k) for k in facts} == facts:
                for i in range(len(known.get("shards", ()))):  # of a whole folder: what was done to it since
                    if not is_whole_shard(folder, i, known):
                        shard_path(folder, i).unlink(missing_ok=True)
                return
    for path in folder.glob(SHARD_PATTERN):
        path.unlink()
    (folder / MANIFEST).unlink(missing_ok=True)
    write_json(folder / _STARTED, facts)


def _labeller(teacher: Teacher, sentences: ShardedTable, config: LabelConfig) -> Teacher | Int8Teacher:
    """Returns the teacher in the precision wanted, if that proves as good as its own."""
    if config.label_precision == "float32":
        return teacher
    table = sentences.read(0)
    some = np.arange(0, len(table), math.ceil(len(table) / _COMPARED_SENTENCES))
    pieces = teacher.encode(*examples_of(table.take(some)).columns)
    int8, expected = Int8Teacher(teacher), teacher.logits(pieces)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.mean((int8.logits(pieces) - expected) ** 2) / np.mean((expected - expected.mean(0)) ** 2)
    if error <= _MAX_INT8_ERROR:
        say(f"label: in int8, which adds an error of {error:.2%} of the logits' variance")
        return int8
    say(f"label: in float32, since int8 would add an error of {error:.2%} of the logits' variance")
    return teacher


def _with_logits(table: pa.Table, logits: np.ndarray) -> pa.Table:
    width = logits.shape[1]
    offsets = pa.array(np.arange(0, logits.size + 1, width, dtype=np.int32))
    column = pa.ListArray.from_arrays(offsets, pa.array(logits.reshape(-1), pa.float32()))
    return pa.table([*table.columns, column], schema=transfer_set_schema(is_of_pairs(table)))


def _check_finite(logits: np.ndarray, whose: str, advice: str, first: int = 0) -> None:
    if not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(1))[0])
        raise InputError(f"{whose}: logits of row {first + row + 1} are {logits[row].tolist()}, not finite; {advice}")


def _parquet_files(source: Path) -> list[Path]:
    paths = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    if not paths or not all(path.is_file() for path in paths):
        raise InputError(f"--logits_from={source}: no Parquet file there")
    return paths


def _foreign_tables(paths: list[Path], classes: int) -> Iterator[pa.Table]:
    needed: list[str] = []
    for path in paths:
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as e:
            raise InputError(f"{path}: isn't a Parquet file: {' '.join(str(e).split())}") from e
        names = file.schema_arrow.names
        needed = needed or [*text_columns(file.schema_arrow), "logits"]
        for column in needed:
            if column not in names:
                raise InputError(f"{path}: no column {column!r}; found {', '.join(names)}")
        for column in transfer_set_schema(is_of_pairs(file.schema_arrow)).names:
            if names.count(column) > 1:
                raise InputError(f"{path}: {names.count(column)} columns are named {column!r}; expected one")
        if {*text_columns(file.schema_arrow)} - {*needed}:
            raise InputError(f"{path}: holds {kind_of(True)}; {paths[0]} holds {kind_of(False)}")
        row, batches = 0, file.iter_batches()
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as e:
                raise InputError(f"{path}: can't be read from row {row + 1} on: {' '.join(str(e).split())}") from e
            if batch is None:
                break
            yield _as_transfer_set(pa.table(batch), path, row, classes)
            row += len(batch)


def _as_transfer_set(table: pa.Table, path: Path, first: int, classes: int) -> pa.Table:
    """Returns a piece of a file, from its row `first` on, with the types of `transfer_set_schema`."""
    rows, schema = len(table), transfer_set_schema(is_of_pairs(table))
    defaults = {"source": pa.array([_UNKNOWN_SOURCE] * rows), "label": pa.nulls(rows)}
    columns = [table[name] if name in table.column_names else defaults[name] for name in schema.names]
    try:
        table = pa.table([column.cast(f.type) for column, f in zip(columns, schema, strict=True)], names=schema.names)
    except pa.ArrowException as e:
        raise InputError(f"{path}: columns aren't of the transfer set's kind: {' '.join(str(e).split())}") from e
    sources = pc.fill_null(table["source"], _UNKNOWN_SOURCE)
    table = table.set_column(schema.get_field_index("source"), "source", sources)
    if any(table[name].null_count for name in (*text_columns(table), "logits")):
        raise InputError(f"{path}: a text or its logits are missing")
    logits, labels = table["logits"].combine_chunks(), table["label"].combine_chunks().fill_null(NO_LABEL)
    widths, numbers = pc.list_value_length(logits).to_numpy(), labels.to_numpy()
    for row in np.flatnonzero(widths != classes)[:1]:
        raise InputError(f"{path}: row {first + row + 1} has {widths[row]} logits; expected {classes}, one a label")
    for row in np.flatnonzero((numbers < NO_LABEL) | (numbers >= classes))[:1]:
        raise InputError(
            f"{path}: the label of row {first + row + 1} is {numbers[row]}; expected 0 to {classes - 1}, null for none"
        )
    _check_finite(
        logits.flatten().to_numpy(zero_copy_only=False).reshape(rows, classes), str(path), "leave such rows out", first
    )
    unlabelled = pc.if_else(pc.equal(labels, NO_LABEL), pa.scalar(None, labels.type), labels)
    return table.set_column(schema.get_field_index("label"), "label", unlabelled).cast(schema)


def _without(dev: Examples, tables: Iterator[pa.Table], source: str) -> Iterator[pa.Table]:
    """Yields tables without the rows that hold any of dev, and says how many those were."""
    left_out = 0
    for table in tables:
        if (of_pairs := is_of_pairs(table)) != (dev.text_pairs is not None):
            raise InputError(f"{source}: holds {kind_of(of_pairs)}; the data has {kind_of(not of_pairs)}")
        holds = find_overlap(examples_of(table), dev)
        left_out += int(holds.sum())
        yield table.filter(pa.array(~holds))
    if left_out:
        say(f"label: {left_out:,} rows of {source} hold texts of dev and were left out")


def _rechunked(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yields tables of `rows` rows each, the last of fewer."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if (total := sum(map(len, held))) >= rows:
            joined = pa.concat_tables(held).combine_chunks()
            whole = total // rows * rows
            yield from (joined.slice(start, rows) for start in range(0, whole, rows))
            held = [joined.slice(whole)]
    if any(map(len, held)):
        yield pa.concat_tables(held).combine_chunks()

"""A folder of Parquet shards with a manifest: how the transfer set lies on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tfkd.errors import InputError
from tfkd.files import atomic_path, read_object, sha256_of, write_json
from tfkd.progress import say
from tfkd.text.examples import Corpus, Examples, digest, kind_of
from tfkd.text.overlap import find_overlap

MANIFEST = "manifest.json"
# What is in a folder of shards, as patterns of names.
SHARD_PATTERN = "shard-*.parquet"
SHARDS_FILES = (MANIFEST, SHARD_PATTERN)
_OF_EACH_MANIFEST = ("rows", "shards")

# The texts, and of pairs the second ones.
TEXT_COLUMNS = ("text", "text_pair")


def sentences_schema(pairs: bool) -> pa.Schema:
    """Returns the columns that `tfkd augment` writes; `label` is the hard label, null where there is none."""
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in TEXT_COLUMNS[: 1 + pairs]),
            pa.field("source", pa.string(), nullable=False),  # train, unlabelled, recombined, spliced or augmented
            pa.field("label", pa.int32()),
        ]
    )


def transfer_set_schema(pairs: bool) -> pa.Schema:
    """Returns the columns that `tfkd label` writes: those of the sentences, and their logits."""
    return sentences_schema(pairs).append(pa.field("logits", pa.list_(pa.float32()), nullable=False))


def is_of_pairs(table: pa.Table | pa.Schema) -> bool:
    """Says whether a table or schema has a column of second texts."""
    return TEXT_COLUMNS[1] in (table.names if isinstance(table, pa.Schema) else table.column_names)


def text_columns(table: pa.Table | pa.Schema) -> tuple[str, ...]:
    """Returns the names of the one or two columns of texts."""
    return TEXT_COLUMNS[: 1 + is_of_pairs(table)]


def examples_of(table: pa.Table) -> Examples:
    """Returns the texts or pairs of a table, without labels."""
    return Examples.without_labels(*(table[name].to_pylist() for name in text_columns(table)))


def shard_path(folder: Path, number: int) -> Path:
    """Returns the path of shard 0, 1, ..."""
    return folder / f"shard-{number:05d}.parquet"


def write_shard(folder: Path, number: int, table: pa.Table) -> None:
    """Writes one shard, whole or not at all; the same table gives the same bytes."""
    with atomic_path(shard_path(folder, number)) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_manifest(folder: Path, shards: int, facts: dict[str, Any]) -> dict[str, Any]:
    """Closes a folder of shards: writes what they hold, with their hashes, and returns it.

    Args:
      folder: where the shards are.
      shards: how many there are.
      facts: what else is to be known of them.
    """
    paths = [shard_path(folder, i) for i in range(shards)]
    manifest = {
        **facts,
        "rows": sum(pq.read_metadata(path).num_rows for path in paths),
        "shards": [{"file": p.name, "rows": pq.read_metadata(p).num_rows, "sha256": sha256_of(p)} for p in paths],
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def manifest_of(folder: Path) -> dict[str, Any]:
    """Returns what `write_manifest` wrote; {}: it wrote nothing there.

    Raises:
      InputError: it can't be read.
    """
    return read_object(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}


def is_whole_shard(folder: Path, number: int, manifest: dict[str, Any]) -> bool:
    """Whether shard 0, 1, ... is there, and the one that the folder's manifest names."""
    path = shard_path(folder, number)
    return path.is_file() and sha256_of(path) == manifest["shards"][number]["sha256"]


def is_labelled(manifest: dict[str, Any]) -> bool:
    """Whether a manifest is that of a transfer set, rather than of sentences to be labelled."""
    return "teacher" in manifest


class ShardedTable:
    """A closed folder of shards, to read.

    Attributes:
      folder: where it is.
      manifest: what `write_manifest` wrote.

    Raises:
      InputError: there is no manifest, it is none of shards, or a shard isn't the one it names.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.manifest = manifest_of(self.folder)
        if not self.manifest:
            raise InputError(f"{self.folder}: no {MANIFEST} there; the step that makes this folder hasn't finished")
        if missing := [name for name in _OF_EACH_MANIFEST if name not in self.manifest]:
            raise InputError(f"{self.folder}: no folder of shards: its {MANIFEST} has no {', '.join(missing)}")
        for i in range(len(self)):
            if not is_whole_shard(self.folder, i, self.manifest):
                path = shard_path(self.folder, i)
                raise InputError(f"{path}: missing or not the shard that {MANIFEST} names; make the folder again")

    @property
    def rows(self) -> int:
        return self.manifest["rows"]

    @property
    def schema(self) -> pa.Schema:
        """The columns of its shards, of which there must be one."""
        return pq.read_schema(shard_path(self.folder, 0))

    def __len__(self) -> int:
        """The number of shards."""
        return len(self.manifest["shards"])

    def read(self, number: int, columns: list[str] | None = None) -> pa.Table:
        """Returns one shard."""
        return pq.read_table(shard_path(self.folder, number), columns=columns)

    def __iter__(self) -> Iterator[pa.Table]:
        return (self.read(i) for i in range(len(self)))


def some_texts(transfer_set: ShardedTable, rows: int) -> Examples:
    """Returns the texts of at most so many rows, evenly spaced over all of them."""
    wanted, tables, start = np.linspace(0, transfer_set.rows - 1, min(rows, transfer_set.rows)).astype(int), [], 0
    columns = list(text_columns(transfer_set.schema))
    for number in range(len(transfer_set)):
        table = transfer_set.read(number, columns)
        here = wanted[(wanted >= start) & (wanted < start + len(table))] - start
        tables.append(table.take(here))
        start += len(table)
    return examples_of(pa.concat_tables(tables))


def check_transfer_set(transfer_set: ShardedTable, corpus: Corpus) -> None:
    """Passes what `tfkd label` wrote if students of a corpus can learn from it; warns if it may hold some of dev.

    Raises:
      InputError: it has no logits, is of the other kind of texts or of other labels, or was made for another dev set.
    """
    folder, facts = transfer_set.folder, transfer_set.manifest
    if not is_labelled(facts):
        raise InputError(f"{folder}: holds sentences without logits; expected what `tfkd label` makes of them")
    if (of_pairs := is_of_pairs(transfer_set.schema)) != corpus.pairs:
        raise InputError(f"{folder}: holds {kind_of(of_pairs)}; the data has {kind_of(not of_pairs)}")
    if (names := facts["label_names"]) != list(corpus.label_names):
        raise InputError(f"{folder}: of the labels {', '.join(names)}; the data has {', '.join(corpus.label_names)}")
    if facts.get("dev", dev := digest(corpus.dev)) != dev:
        raise InputError(f"{folder}: was made for another dev set, and may hold sentences of this one")
    if "dev" not in facts:  # logits of another model, of texts that nobody has compared with dev
        rows = sum(int(find_overlap(examples_of(table), corpus.dev).sum()) for table in transfer_set)
        if rows:
            say(
                f"{folder}: {rows:,} of {transfer_set.rows:,} rows hold texts of dev, so that accuracy on new "
                "texts will be lower than on dev; `tfkd run --logits_from` leaves such rows out"
            )

"""The sentences or pairs of the transfer set: train, the user's unlabelled, and what is made of train; each once."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from tfkd.config import AugmentationConfig
from tfkd.errors import InputError
from tfkd.files import atomic_folder, refuse_to_replace
from tfkd.progress import progress_bar
from tfkd.text.augmentation import Augmenter
from tfkd.text.examples import Corpus, Examples, digest
from tfkd.text.overlap import RowsHeld
from tfkd.text.recombination import recombined
from tfkd.text.splicing import Splicer
from tfkd.transfer_set.shards import (
    SHARDS_FILES,
    ShardedTable,
    is_labelled,
    manifest_of,
    sentences_schema,
    write_manifest,
    write_shard,
)

_Row = tuple[tuple[str, ...], str, int | None]  # text or pair, source, label


def write_sentences(
    corpus: Corpus, config: AugmentationConfig, folder: str | Path, shard_rows: int, seed: int
) -> ShardedTable:
    """Writes all sentences or pairs that the teacher is to label: shards of `sentences_schema`.

    Those of train come first, with their labels, then the unlabelled, then those recombined of train's pairs, then the
    augmented, then the spliced; what occurs again is kept where it occurs first. What holds a row of dev (see
    `RowsHeld`) is left out, also what was made and happens to.

    Args:
      corpus: the texts.
      config: what is made of them, and how much.
      folder: where the shards go.
      shard_rows: sentences or pairs a shard.
      seed: of all that is drawn.

    Raises:
      InputError: the folder holds something else than sentences.
    """
    folder = Path(folder)
    refuse_to_replace(
        folder, "sentences to label", SHARDS_FILES, lambda f: bool(m := manifest_of(f)) and not is_labelled(m)
    )
    further = recombined(corpus.train, config.neighbours, seed) if corpus.pairs else Examples.without_labels([])
    each = 1 + config.n_iter + config.n_splice
    total = (len(corpus.train) + len(further)) * each + len(corpus.unlabelled)
    with atomic_folder(folder) as temporary, progress_bar(total, "augment", corpus.unit) as bar:
        seen = _SeenTexts(temporary / "seen.sqlite")
        dropped: Counter[str] = Counter()
        rows = _kept(_sentences(corpus, further, config, seed), seen, RowsHeld(corpus.dev), dropped, bar)
        shards = 0
        while chunk := list(itertools.islice(rows, shard_rows)):
            texts, sources, labels = zip(*chunk, strict=True)
            columns = [*zip(*texts, strict=True), sources, labels]
            write_shard(temporary, shards, pa.table(columns, schema=sentences_schema(corpus.pairs)))
            shards += 1
        seen.close()
        write_manifest(
            temporary,
            shards,
            {
                "seed": seed,
                "augmentation": vars(config),
                "train": digest(corpus.train),
                "dev": digest(corpus.dev),
                "label_names": list(corpus.label_names),
                "duplicates_dropped": dict(sorted(dropped.items())),
            },
        )
    return ShardedTable(folder)


def _sentences(corpus: Corpus, further: Examples, config: AugmentationConfig, seed: int) -> Iterator[_Row]:
    for texts, label in zip(zip(*corpus.train.columns, strict=True), corpus.train.labels, strict=True):
        yield texts, "train", int(label)
    for texts in zip(*corpus.unlabelled.columns, strict=True):
        yield texts, "unlabelled", None
    for texts in zip(*further.columns, strict=True):
        yield texts, "recombined", None
    if config.n_iter or config.n_splice:
        augmenter = Augmenter(corpus.train.followed_by(further), config)
        for texts in augmenter.generate(seed):
            yield texts, "augmented", None
        for texts in Splicer(augmenter.rows, seed).generate(config.n_splice, seed):
            yield texts, "spliced", None


def _kept(rows: Iterable[_Row], seen: _SeenTexts, dev: RowsHeld, dropped: Counter[str], bar: object) -> Iterator[_Row]:
    for row in rows:
        bar.update(1)  # type: ignore[attr-defined]
        if not dev.any_by(row[0]) and seen.add(row[0]):
            yield row
        else:
            dropped[row[1]] += 1


class _SeenTexts:
    """Which texts or pairs have been; on disk, so that memory doesn't grow with their number."""

    def __init__(self, path: Path):
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
            "CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN"
        )

    def add(self, texts: tuple[str, ...]) -> bool:
        """Notes a text or pair, whatever its case and spacing; says whether it is new."""
        normalized = "\n".join(" ".join(text.lower().split()) for text in texts)
        key = hashlib.blake2b(normalized.encode(), digest_size=16).digest()
        try:
            with closing(self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,))) as cursor:
                return cursor.rowcount == 1
        except sqlite3.Error as e:
            raise InputError(f"{self._path}: can't be written: {e}") from e

    def close(self) -> None:
        self._connection.close()
        self._path.unlink()

"""The sentences of the transfer set: train, what is made of it, and the user's unlabelled ones; each once."""

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
from tfkd.files import atomic_folder
from tfkd.progress import progress_bar
from tfkd.text.augmentation import Augmenter
from tfkd.text.examples import Corpus, digest
from tfkd.transfer_set.shards import SENTENCES, ShardedTable, write_manifest, write_shard

_Row = tuple[str, str, int | None]  # text, source, label


def write_sentences(
    corpus: Corpus, config: AugmentationConfig, folder: str | Path, shard_rows: int, seed: int
) -> ShardedTable:
    """Writes all sentences that the teacher is to label: shards of SENTENCES.

    Sentences of train come first, with their labels; a text is kept where it
    occurs first. Texts of dev are left out, augmented ones that happen to equal one too.
    """
    folder = Path(folder)
    total = len(corpus.train) * (1 + config.n_iter) + len(corpus.unlabelled)
    with atomic_folder(folder) as temporary, progress_bar(total, "augment") as bar:
        seen = _SeenTexts(temporary / "seen.sqlite")
        dropped: Counter[str] = Counter()
        for text in corpus.dev.texts:
            seen.add(text)
        rows = _kept(_sentences(corpus, config, seed), seen, dropped, bar)
        shards = 0
        while chunk := list(itertools.islice(rows, shard_rows)):
            texts, sources, labels = zip(*chunk, strict=True)
            write_shard(temporary, shards, pa.table([texts, sources, labels], schema=SENTENCES))
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


def _sentences(corpus: Corpus, config: AugmentationConfig, seed: int) -> Iterator[_Row]:
    for text, label in zip(corpus.train.texts, corpus.train.labels, strict=True):
        yield text, "train", int(label)
    for text in corpus.unlabelled:
        yield text, "unlabelled", None
    if config.n_iter:
        for text in Augmenter(corpus.train.texts, config).generate(seed):
            yield text, "augmented", None


def _kept(rows: Iterable[_Row], seen: _SeenTexts, dropped: Counter[str], bar: object) -> Iterator[_Row]:
    for row in rows:
        bar.update(1)  # type: ignore[attr-defined]
        if seen.add(row[0]):
            yield row
        else:
            dropped[row[1]] += 1


class _SeenTexts:
    """Which texts have been; on disk, so that memory doesn't grow with their number."""

    def __init__(self, path: Path):
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
            "CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN"
        )

    def add(self, text: str) -> bool:
        """Notes a text, whatever its case and spacing; says whether it is new."""
        key = hashlib.blake2b(" ".join(text.lower().split()).encode(), digest_size=16).digest()
        try:
            with closing(self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,))) as cursor:
                return cursor.rowcount == 1
        except sqlite3.Error as e:
            raise InputError(f"{self._path}: can't be written: {e}") from e

    def close(self) -> None:
        self._connection.close()
        self._path.unlink()

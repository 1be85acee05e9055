"""The sentences that every command and the road work on."""

from __future__ import annotations

from pathlib import Path

from tfkd.config import DataConfig
from tfkd.progress import say
from tfkd.text.corpus import read_corpus
from tfkd.text.examples import Corpus


def read_sentences(config: DataConfig, seed: int, rejects: Path | None = None) -> Corpus:
    """Reads sentences or pairs, and tells the user what the reading said.

    Args:
      config: where they are.
      seed: of the dev cut.
      rejects: file for the rows that couldn't be read.

    Raises:
      InputError: the data can't be read.
    """
    corpus = read_corpus(config, seed, rejects)
    for note in corpus.notes:
        say(f"data: {note}")
    return corpus

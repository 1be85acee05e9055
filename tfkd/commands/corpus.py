"""The sentences that a command works on."""

from __future__ import annotations

from tfkd.config import DataConfig
from tfkd.errors import InputError
from tfkd.progress import say
from tfkd.text.corpus import read_corpus
from tfkd.text.examples import Corpus


def read_for(config: DataConfig, seed: int) -> Corpus:
    """Reads single sentences, and tells the user what the reading said.

    Raises:
      InputError: the data can't be read, or is of pairs.
    """
    corpus = read_corpus(config, seed)
    for note in corpus.notes:
        say(f"data: {note}")
    if corpus.train.text_pairs is not None:
        raise InputError(f"--data={config.data}: sentence pairs can't be distilled yet; name one --text_column")
    return corpus

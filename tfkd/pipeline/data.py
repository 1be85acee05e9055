"""The sentences that every command and the road work on."""

from __future__ import annotations

from pathlib import Path

from tfkd.config import DataConfig
from tfkd.errors import InputError
from tfkd.pipeline.run_config import REJECTS_FILE, RunConfig, refuse_other_flags
from tfkd.progress import say
from tfkd.report.coverage import long_texts
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


def read_sentences_to_learn(config: DataConfig, seed: int, rejects: Path | None = None) -> Corpus:
    """Reads sentences or pairs as `read_sentences` does, for a model that is to learn train.

    Raises:
      InputError: the data can't be read, or nothing is left of train without what is in dev.
    """
    corpus = read_sentences(config, seed, rejects)
    if len(set(corpus.train.labels.tolist())) < 2:
        raise InputError(
            f"--data={config.data}: of the rows that are not in dev too, {len(corpus.train):,}, no two have different "
            "labels: is dev the same file?"
        )
    return corpus


def read_sentences_of_run(config: RunConfig, folder: Path, update: bool) -> Corpus:
    """Reads the sentences of a run that is begun or gone on with.

    It imports nothing heavy, so what is wrong with flags or data is said at once.

    Args:
      config: the run's.
      folder: the run folder; rows that couldn't be read are written there.
      update: lets flags other than those `folder` was made with pass.

    Raises:
      UsageError: the folder was made with other flags, or is no run folder.
      InputError: the data can't be read, or learnt.
    """
    refuse_other_flags(config, folder, update)
    corpus = read_sentences_to_learn(config.data, config.seed, folder / REJECTS_FILE)
    if long := long_texts(corpus.dev.columns, corpus.unit, config.export.max_tokens, config.max_pieces):
        say(f"data: {long}")
    return corpus

"""Word vectors for the student to start with, made of the teacher's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfkd.models.teacher import INPUT_SIGNATURE, Teacher
from tfkd.text.batching import sorted_batches
from tfkd.text.vocabulary import PAD_ID, UNKNOWN_ID

# Mean square of an embedding's entries, about that of word2vec's.
_SCALE = 0.15
# What is worked out in float64 at a time: of all rows at once it would be several times their own size.
_BLOCK_ROWS = 1024


def teacher_vectors(words: Sequence[str], teacher: Teacher, progress: Any = None) -> np.ndarray:
    """Returns what a teacher knows of words, float32 [words, 2 * hidden size of BERT].

    The first half is what its encoder makes of each word alone, the second the
    mean of its pieces' rows in the table before the encoder: they err in
    different ways. Each half is centred, its root mean square 1.

    Args:
      words: those to look up.
      teacher: the BERT.
      progress: has `update(n)`; see `sorted_batches`.
    """
    halves = encoder_vectors(words, teacher, progress=progress), _table_vectors(words, teacher)
    return np.concatenate([_standardized(vectors) for vectors in halves], axis=1)


def encoder_vectors(words: Sequence[str], teacher: Teacher, batch_size: int = 256, progress: Any = None) -> np.ndarray:
    """Returns what a teacher's encoder makes of each word alone, float32 [words, hidden size of BERT].

    It is the mean of its pieces' last states. Without a context BERT still tells what
    kind of word it is, which the bare embedding table knows less of.
    """
    backbone, pieces = teacher.classifier.backbone, teacher.encode_tokens(words)
    encode = tf.function(
        lambda inputs: backbone(inputs, training=False)["sequence_output"], input_signature=[INPUT_SIGNATURE]
    )
    out = np.zeros((len(words), backbone.hidden_dim), np.float32)
    for rows in sorted_batches(pieces.lengths, batch_size, progress):
        inputs = pieces.padded(rows)
        states = encode(inputs).numpy()
        body = inputs["padding_mask"].copy()
        body[:, 0] = 0  # [CLS]
        body[np.arange(len(rows)), inputs["padding_mask"].sum(1) - 1] = 0  # [SEP]
        weights = body[..., None] / np.maximum(body.sum(1), 1)[:, None, None]
        out[rows] = (states * weights).sum(1)
    return out


def principal_components(vectors: np.ndarray, width: int, out: np.ndarray | None = None) -> np.ndarray:
    """Returns the vectors along their principal axes, leading ones first, float32 [words, max(width, own width)].

    The root mean square of the first `width` columns is _SCALE, as far as they are the vectors'
    own: past these there are zeros. Each axis' sign is such that its largest weight is positive.

    Args:
      vectors: float [words, own width], a row a word.
      width: columns that will be of most use.
      out: zeros to write them to, or, if they have `width` columns or more, the vectors themselves.
    """
    rows, columns = vectors.shape
    if out is None:
        out = np.zeros((rows, max(width, columns)), np.float32)
    mean = vectors.mean(0, dtype=np.float64)
    squares = np.zeros((columns, columns))
    for block in _blocks(rows):
        centred = vectors[block] - mean
        squares += centred.T @ centred
    variances, axes = np.linalg.eigh(squares)
    order = np.argsort(-variances, kind="stable")
    variances, axes = variances[order], axes[:, order]
    signs = np.sign(axes[np.abs(axes).argmax(0), np.arange(columns)])
    rms = np.sqrt(max(variances[:width].sum(), 0) / (rows * min(width, columns)))
    axes *= signs * _SCALE / max(rms, 1e-12)
    for block in _blocks(rows):
        out[block, :columns] = (vectors[block] - mean) @ axes
    return out


def vocabulary_vectors(vectors: np.ndarray, width: int, overwrite: bool = False) -> np.ndarray:
    """Returns the `principal_components` of a vocabulary's words, its special ones apart.

    PAD_ID's row is zero and UNKNOWN_ID's the mean of all words, which is zero too.

    Args:
      vectors: float32 [vocabulary, own width].
      width: columns that will be of most use.
      overwrite: they aren't needed any more, and their memory may be used for what comes of them.
    """
    own = vectors.shape[1]
    out = vectors if overwrite and width <= own else np.zeros((len(vectors), max(width, own)), np.float32)
    first = max(PAD_ID, UNKNOWN_ID) + 1
    principal_components(vectors[first:], width, out[first:])
    out[:first] = 0
    return out


def random_vectors(size: int, width: int, seed: int) -> np.ndarray:
    """Returns vectors of the same scale without any knowledge, float32 [size, width]."""
    vectors = np.random.default_rng(seed).normal(0, _SCALE, (size, width)).astype(np.float32)
    vectors[PAD_ID] = 0
    return vectors


def randomize_rows(vectors: np.ndarray, missing: np.ndarray, seed: int) -> None:
    """Makes rows random, of the others' mean and size, where they are missing.

    Args:
      vectors: float32 [words, width].
      missing: bool [words]; not all of them.
      seed: of the random ones.
    """
    known = ~missing
    mean = vectors.mean(0, dtype=np.float64, where=known[:, None])
    squares = np.einsum("ij,ij,i->", vectors, vectors, known, dtype=np.float64)
    std = np.sqrt(max(squares / (known.sum() * vectors.shape[1]) - np.mean(mean**2), 0))
    rng = np.random.default_rng(seed)
    for block in _blocks(len(vectors)):
        drawn = rng.normal(mean, std, vectors[block].shape)
        np.copyto(vectors[block], drawn, where=missing[block, None], casting="same_kind")


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK_ROWS) for start in range(0, rows, _BLOCK_ROWS))


def _table_vectors(words: Sequence[str], teacher: Teacher) -> np.ndarray:
    table = np.asarray(teacher.classifier.backbone.token_embedding.embeddings)
    pieces = [ids[1:-1] for ids in teacher.encode_tokens(words).ids]  # without [CLS] and [SEP]
    return np.stack([table[ids].mean(0) if len(ids) else np.zeros(table.shape[1], table.dtype) for ids in pieces])


def _standardized(vectors: np.ndarray) -> np.ndarray:
    centred = vectors - vectors.mean(0)
    return centred / max(np.sqrt(np.mean(np.square(centred))), 1e-12)

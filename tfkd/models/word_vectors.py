"""Word vectors for the student to start with, made of the teacher's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfkd.models.teacher import INPUT_SIGNATURE, Teacher
from tfkd.text.batching import sorted_batches
from tfkd.text.vocabulary import PAD_ID, UNKNOWN_ID

# Mean square of an embedding's entries, about that of word2vec's.
_SCALE = 0.15


def teacher_vectors(words: Sequence[str], teacher: Teacher, progress: Any = None) -> np.ndarray:
    """Returns what a teacher knows of words, float32 [words, 2 * hidden size of BERT].

    The first half is what its encoder makes of each word alone, the second the
    mean of its pieces' rows in the table before the encoder: they err in
    different ways. Each half is centred, its root mean square 1.

    Args:
      words: those to look up.
      teacher: the BERT.
      progress: has `update(n)`, called with the words done.
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
    for rows in sorted_batches(pieces.lengths, batch_size):
        inputs = pieces.padded(rows)
        states = encode(inputs).numpy()
        body = inputs["padding_mask"].copy()
        body[:, 0] = 0  # [CLS]
        body[np.arange(len(rows)), inputs["padding_mask"].sum(1) - 1] = 0  # [SEP]
        weights = body[..., None] / np.maximum(body.sum(1), 1)[:, None, None]
        out[rows] = (states * weights).sum(1)
        if progress is not None:
            progress.update(len(rows))
    return out


def principal_components(vectors: np.ndarray, width: int) -> np.ndarray:
    """Returns the vectors along their principal axes, leading ones first, float32 [words, max(width, own width)].

    The root mean square of the first `width` columns is _SCALE, as far as they are the vectors'
    own: past these there are zeros. Each axis' sign is such that its largest weight is positive.

    Args:
      vectors: float [words, own width], a row a word.
      width: columns that will be of most use.
    """
    centred = vectors.astype(np.float64) - vectors.mean(0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, np.argsort(-variances, kind="stable")]
    signs = np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    turned = centred @ (axes * signs)
    rms = np.sqrt(np.mean(np.square(turned[:, :width])))
    out = np.zeros((len(vectors), max(width, turned.shape[1])), np.float32)
    out[:, : turned.shape[1]] = turned * (_SCALE / max(rms, 1e-12))
    return out


def vocabulary_vectors(vectors: np.ndarray, width: int) -> np.ndarray:
    """Returns the `principal_components` of a vocabulary's words, its special ones apart.

    PAD_ID's row is zero and UNKNOWN_ID's the mean of all words, which is zero too.
    """
    words = np.setdiff1d(np.arange(len(vectors)), [PAD_ID, UNKNOWN_ID])
    components = principal_components(vectors[words], width)
    out = np.zeros((len(vectors), components.shape[1]), np.float32)
    out[words] = components
    return out


def random_vectors(size: int, width: int, seed: int) -> np.ndarray:
    """Returns vectors of the same scale without any knowledge, float32 [size, width]."""
    vectors = np.random.default_rng(seed).normal(0, _SCALE, (size, width)).astype(np.float32)
    vectors[PAD_ID] = 0
    return vectors


def with_random_rows(vectors: np.ndarray, missing: np.ndarray, seed: int) -> np.ndarray:
    """Returns the vectors with random ones, of the others' mean and size, where they are missing.

    Args:
      vectors: float32 [words, width].
      missing: bool [words]; not all of them.
      seed: of the random ones.
    """
    known = vectors[~missing]
    drawn = np.random.default_rng(seed).normal(known.mean(0), known.std(), vectors.shape)
    return np.where(missing[:, None], drawn, vectors).astype(np.float32)


def _table_vectors(words: Sequence[str], teacher: Teacher) -> np.ndarray:
    table = np.asarray(teacher.classifier.backbone.token_embedding.embeddings)
    pieces = [ids[1:-1] for ids in teacher.encode_tokens(words).ids]  # without [CLS] and [SEP]
    return np.stack([table[ids].mean(0) if len(ids) else np.zeros(table.shape[1], table.dtype) for ids in pieces])


def _standardized(vectors: np.ndarray) -> np.ndarray:
    centred = vectors - vectors.mean(0)
    return centred / max(np.sqrt(np.mean(np.square(centred))), 1e-12)

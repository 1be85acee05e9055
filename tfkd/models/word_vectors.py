"""Word vectors for the student's table, made of the teacher's own."""

from __future__ import annotations

import numpy as np

from tfkd.text.vocabulary import PAD_ID, UNKNOWN_ID

# Mean square of a table's entries, about that of word2vec's.
_SCALE = 0.15


def reduced_by_pca(vectors: np.ndarray, width: int) -> np.ndarray:
    """Returns the vectors' leading principal components, float32 [words, width].

    Components past the vectors' own width are zero. The root mean square of all
    entries is _SCALE; each component's sign is such that its largest weight is positive.

    Args:
      vectors: float [words, any width], a row a word.
      width: columns wanted.
    """
    centred = vectors.astype(np.float64) - vectors.mean(0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    directions = directions[:, np.argsort(-variances, kind="stable")][:, :width]
    signs = np.sign(directions[np.abs(directions).argmax(0), np.arange(directions.shape[1])])
    reduced = centred @ (directions * signs)
    rms = np.sqrt(np.mean(np.square(reduced)))
    out = np.zeros((len(vectors), width), np.float32)
    out[:, : reduced.shape[1]] = reduced * (_SCALE / max(rms, 1e-12))
    return out


def table_from(vectors: np.ndarray, width: int) -> np.ndarray:
    """Returns a student's embedding table, float32 [vocabulary, width], of its words' vectors.

    PAD_ID's row is zero and UNKNOWN_ID's the mean of all words, which PCA puts at zero too.
    """
    table = np.zeros((len(vectors), width), np.float32)
    words = np.setdiff1d(np.arange(len(vectors)), [PAD_ID, UNKNOWN_ID])
    table[words] = reduced_by_pca(vectors[words], width)
    return table


def random_table(size: int, width: int, seed: int) -> np.ndarray:
    """Returns a table of the same scale without any knowledge, float32 [size, width]."""
    table = np.random.default_rng(seed).normal(0, _SCALE, (size, width)).astype(np.float32)
    table[PAD_ID] = 0
    return table

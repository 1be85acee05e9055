"""Students of fewer weights that compute nearly the same: what enters the gates needs fewer dimensions than it has.

What counts is not how near the weights come to the old ones, but how near what they give to the gates does, over the
words and the states that texts bring. So both factorizations weigh each direction by how much of it is met: the
best approximation of a product X W by one of rank r, for all rows x of real texts, is X (W V) V', where V are the
first r right singular vectors of X W (Eckart and Young 1936).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from tfkd.models.student_weights import LstmWeights, Step, StudentWeights
from tfkd.models.texts_met import TextsMet

# Singular values below this share of the first are what float32 makes of zero.
_NOISE = 1e-5


def with_table_of(weights: StudentWeights, columns: int, texts: TextsMet) -> StudentWeights:
    """Returns a student whose embedding table has so many columns, and whose gates get nearly the same of each word.

    Args:
      weights: the student's.
      columns: of the new table; the student itself is returned if it has no more.
      texts: how often each word counts.
    """
    table = weights.embedding
    if columns >= table.shape[1]:
        return weights
    counts = texts.word_counts(len(table)) + 1.0
    second_moments = (table * counts[:, np.newaxis]).T @ table
    kernels = np.concatenate([lstm.kernel for lstm in weights.directions], axis=1)
    first, second = _factors(kernels, second_moments, columns)
    shares = np.split(second, len(weights.directions), axis=1)
    directions = (
        dataclasses.replace(lstm, kernel=kernel) for lstm, kernel in zip(weights.directions, shares, strict=True)
    )
    return dataclasses.replace(weights, embedding=table @ first, directions=tuple(directions))


def with_rank_of(weights: StudentWeights, rank: int, texts: TextsMet) -> StudentWeights:
    """Returns a student each of whose directions computes its gates by way of so few dimensions.

    Args:
      weights: the student's.
      rank: of each direction's weights, those of words and of the state taken together, and the bias (see _factored);
        the student itself is returned if this saves nothing.
      texts: what words and states are met in.
    """
    entering, gates = weights.embedding.shape[1] + weights.hidden_size, 4 * weights.hidden_size
    if rank * (entering + gates) >= entering * gates or weights.directions[0].expansion is not None:
        return weights

    def factored(lstm: LstmWeights, steps: Iterator[Step]) -> LstmWeights:
        second_moments = sum(z.T @ z for z in (np.concatenate([step.word, step.state], axis=1) for step in steps))
        return _factored(weights, lstm, second_moments, rank)

    return dataclasses.replace(weights, directions=tuple(map(factored, weights.directions, texts.steps(weights))))


def in_few_dimensions(weights: StudentWeights) -> StudentWeights:
    """Returns a student that computes the same by way of as few dimensions as its weights have; or itself.

    They have few if it was held to them in training (see tfkd.models.low_rank).
    """

    if weights.directions[0].expansion is not None:
        return weights
    has_bias = weights.of_words is not None
    spectra = [
        np.linalg.svd(_of_both(lstm, has_bias).astype(np.float64), compute_uv=False) for lstm in weights.directions
    ]
    dimensions = max(int((spectrum > _NOISE * spectrum[0]).sum()) for spectrum in spectra)
    rank = has_bias + dimensions
    # Of a state of hidden_size, by way of rank, to four gates. Weights that are all zero have none.
    if not dimensions or 5 * rank >= 4 * weights.hidden_size:
        return weights
    entering = weights.embedding.shape[1] + weights.hidden_size
    directions = (_factored(weights, lstm, np.eye(entering), rank) for lstm in weights.directions)
    return dataclasses.replace(weights, directions=tuple(directions))


def _of_both(lstm: LstmWeights, without_bias: bool) -> np.ndarray:
    """What takes a word and the state, side by side, [inputs, rank]; or those of it that aren't the same for all."""
    return np.concatenate([lstm.kernel[: len(lstm.kernel) - without_bias], lstm.recurrent])


def _factored(weights: StudentWeights, lstm: LstmWeights, second_moments: np.ndarray, rank: int) -> LstmWeights:
    """A direction of a student of full rank by way of so many dimensions.

    The last of them is the bias', if padding has none: the column that is the same for all words goes into it alone,
    and what it gives to the gates is all of their bias. So nothing is added after the expansion.

    Args:
      weights: the student's.
      lstm: the direction.
      second_moments: of words and state side by side.
      rank: how many dimensions, the bias' included.
    """
    words, of_words = len(lstm.kernel), weights.of_words
    if of_words is None:
        first, expansion = _factors(_of_both(lstm, False), second_moments, rank)
        return LstmWeights(first[:words], first[words:], lstm.bias, expansion, lstm.backward)
    others = np.arange(len(second_moments)) != words - 1
    first, expansion = _factors(_of_both(lstm, True), second_moments[np.ix_(others, others)], rank - 1)
    kernel, recurrent = np.split(np.pad(first, [(0, 0), (0, 1)]), [words - 1])
    bias = lstm.bias + of_words * lstm.kernel[-1]
    # Between what is as large before the expansion as other dimensions, and what is so in it: of the integers of one
    # scale that all share, some tens are left to the bias in both.
    before, within = np.abs(weights.embedding[:, :-1] @ kernel).max(), np.abs(bias).max() / np.abs(expansion).max()
    size = max(np.sqrt(before * within), 1e-6)
    of_bias = np.zeros((1, rank), np.float32)
    of_bias[0, -1] = size / of_words
    return LstmWeights(
        np.concatenate([kernel, of_bias]),
        recurrent,
        np.zeros_like(bias),
        np.concatenate([expansion, bias[np.newaxis] / size]),
        lstm.backward,
    )


def _factors(matrix: np.ndarray, second_moments: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns [inputs, rank] and [rank, outputs], whose product is for x of these second moments what `matrix` is.

    What comes between are the dimensions of `basis_of`.
    """
    values, vectors = np.linalg.eigh(second_moments.astype(np.float64))
    root = np.sqrt(np.maximum(values, 0))[:, np.newaxis] * vectors.T
    basis = basis_of(np.linalg.svd(root @ matrix, full_matrices=False)[2][:rank])
    return (matrix @ basis.T).astype(np.float32), basis.astype(np.float32)


def basis_of(rows: np.ndarray) -> np.ndarray:
    """Returns an orthonormal basis of the space that rows span, [rank, columns].

    It depends on the space alone, so that a table that was rounded in it is found so again. Within the space it is as
    if drawn at random: each of its dimensions is mostly as large as the others, and one scale of integers serves them
    all.

    Args:
      rows: orthonormal, [rank, columns].
    """
    drawn = np.random.default_rng(0).normal(size=rows.shape)
    basis, upper = np.linalg.qr(rows.T @ (rows @ drawn.T))
    return (basis * np.sign(np.diag(upper))).T

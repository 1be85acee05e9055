"""Fewer weights, and what is lost by them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.export.conftest import randomized
from tfkd.errors import InputError
from tfkd.models.compression import basis_of, in_few_dimensions, with_rank_of, with_table_of
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier
from tfkd.models.student_weights import LstmWeights, StudentWeights
from tfkd.models.texts_met import TextsMet

WORDS, DIM, HIDDEN = 60, 16, 12


@pytest.fixture(scope="module")
def weights() -> StudentWeights:
    return weights_of(randomized(BiLstmClassifier(WORDS, 2, DIM, HIDDEN, 4)))


@pytest.fixture(scope="module")
def texts() -> TextsMet:
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 30, (300, 8)) * (np.arange(8) < rng.integers(1, 9, (300, 1)))
    return TextsMet(ids.astype(np.int32))


def gates_of_words(weights: StudentWeights) -> np.ndarray:
    return weights.embedding @ np.concatenate([lstm.kernel for lstm in weights.directions], axis=1)


def test_the_table_is_the_best_of_its_rank(weights, texts):
    """Against the optimum by Eckart and Young: the singular values left out, of the words weighted by their counts."""
    compact = with_table_of(weights, 5, texts)
    assert (compact.embedding.shape, compact.directions[0].kernel.shape) == ((WORDS, 5), (5, 4 * HIDDEN))
    root = np.sqrt(texts.word_counts(WORDS) + 1.0)[:, np.newaxis]
    error = np.linalg.norm(root * (gates_of_words(compact) - gates_of_words(weights)))
    left_out = np.linalg.svd(root * gates_of_words(weights), compute_uv=False)[5:]
    np.testing.assert_allclose(error, np.linalg.norm(left_out), rtol=1e-4)


def test_the_rank_is_the_best_of_its_size(weights, texts):
    """And the bias, which is the same for all words, isn't approximated: one of the dimensions is its own."""
    compact = with_rank_of(weights, 7, texts)
    for old, new, steps in zip(weights.directions, compact.directions, texts.steps(weights), strict=True):
        assert (new.kernel.shape, new.recurrent.shape) == ((DIM + 1, 7), (HIDDEN, 7))
        assert new.expansion is not None
        entering = np.concatenate([np.concatenate([step.word[:, :-1], step.state], axis=1) for step in steps])
        both = np.concatenate([old.kernel[:-1], old.recurrent])
        error = entering @ (np.concatenate([new.kernel[:-1], new.recurrent]) @ new.expansion - both)
        left_out = np.linalg.svd(entering @ both, compute_uv=False)[6:]
        np.testing.assert_allclose(np.linalg.norm(error), np.linalg.norm(left_out), rtol=1e-3)
        assert_same_bias(weights, old, new)


def assert_same_bias(weights: StudentWeights, old: LstmWeights, new: LstmWeights) -> None:
    """Asserts that what doesn't depend on words and state is the same."""
    assert weights.of_words is not None
    assert new.expansion is not None
    expected = old.bias + weights.of_words * old.kernel[-1]
    np.testing.assert_allclose(new.bias + weights.of_words * new.kernel[-1] @ new.expansion, expected, atol=1e-5)


def test_a_table_after_a_rank_gives_nearly_what_the_rank_gives(weights, texts):
    compact = with_rank_of(weights, 5, texts)
    assert with_table_of(compact, 10, texts).embedding.shape == (WORDS, 10)
    np.testing.assert_allclose(gates_of_words(with_table_of(compact, 10, texts)), gates_of_words(compact), atol=1e-4)


def test_words_that_are_met_come_nearest(weights, texts):
    error = np.abs(gates_of_words(with_table_of(weights, 8, texts)) - gates_of_words(weights)).mean(axis=1)
    assert error[1:30].mean() < 0.8 * error[30:].mean()


def test_what_would_save_nothing_changes_nothing(weights, texts):
    assert with_table_of(weights, DIM + 1, texts) is weights
    # 29 dimensions of a word, its constant and a state to 48 gates: 1,392 weights, and 77 for each dimension between.
    assert with_rank_of(weights, 19, texts) is weights
    assert with_rank_of(weights, 18, texts).directions[0].expansion is not None


def test_word_counts(texts):
    counts = texts.word_counts(WORDS)
    assert counts[0] == 0
    assert counts.sum() == (texts.token_ids != 0).sum()
    assert counts[7] == (texts.token_ids == 7).sum()


def test_ranges_are_the_largest_magnitudes(weights, texts):
    ranges = texts.ranges(weights)
    words = weights.embedding[np.unique(texts.token_ids)]
    expected = max(np.abs(words @ lstm.kernel + lstm.bias).max() for lstm in weights.directions)
    np.testing.assert_allclose(ranges.projected, expected, rtol=1e-5)
    assert ranges.total <= ranges.projected + ranges.recurrent


def test_a_dead_student_is_refused(weights, texts):
    dead = weights_of(BiLstmClassifier(WORDS, 2, DIM, HIDDEN, 4))
    for array in [array for lstm in dead.directions for array in vars(lstm).values()]:
        if isinstance(array, np.ndarray):
            array[:] = 0
    assert in_few_dimensions(dead) is dead
    with pytest.raises(InputError, match="its weights are dead"):
        texts.ranges(dead)


def test_texts_of_one_word_have_a_range(weights):
    """Nothing is recurrent in them, and the student isn't to blame."""
    of_one_word = TextsMet(np.pad(np.arange(2, WORDS)[:, np.newaxis], [(0, 0), (0, 3)]))
    ranges = of_one_word.ranges(weights)
    assert ranges.projected == ranges.recurrent == ranges.total > 0


def test_weights_of_few_dimensions_are_factored_as_they_are():
    rng = np.random.default_rng(3)
    full = weights_of(randomized(BiLstmClassifier(WORDS, 2, DIM, HIDDEN, 4)))
    assert in_few_dimensions(full) is full
    directions = []
    for lstm in full.directions:
        basis = np.linalg.qr(rng.normal(size=(4 * HIDDEN, 5)))[0].astype(np.float32)
        kernel, recurrent = (matrix @ basis @ basis.T for matrix in (lstm.kernel, lstm.recurrent))
        directions.append(dataclasses.replace(lstm, kernel=kernel, recurrent=recurrent))
    narrow = in_few_dimensions(dataclasses.replace(full, directions=tuple(directions)))
    for old, new in zip(directions, narrow.directions, strict=True):
        assert new.expansion is not None
        assert (new.kernel.shape[1], new.backward) == (6, old.backward)
        np.testing.assert_allclose(new.kernel[:-1] @ new.expansion, old.kernel[:-1], atol=1e-5)
        assert_same_bias(full, old, new)
        np.testing.assert_allclose(new.recurrent @ new.expansion, old.recurrent, atol=1e-5)


def test_a_basis_is_that_of_the_space():
    """However the space is given, its basis is the same; and no dimension of it stands out."""
    rng = np.random.default_rng(4)
    rows = np.linalg.qr(rng.normal(size=(80, 6)))[0].T
    turned = np.linalg.qr(rng.normal(size=(6, 6)))[0] @ rows
    basis = basis_of(rows)
    np.testing.assert_allclose(basis, basis_of(turned), atol=1e-9)
    np.testing.assert_allclose(basis @ basis.T, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(basis.T @ basis, rows.T @ rows, atol=1e-9)

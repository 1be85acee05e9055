"""Word vectors: principal components against numpy's SVD, and the table's own rows."""

import numpy as np
import pytest

from tfkd.models.word_vectors import random_table, reduced_by_pca, table_from
from tfkd.text.vocabulary import MASK_ID, PAD_ID, UNKNOWN_ID

SCALE = 0.15


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """40 vectors of 8 correlated columns, far from the origin."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(40, 8)) @ rng.normal(size=(8, 8)) + 5).astype(np.float32)


def by_svd(vectors: np.ndarray, width: int) -> np.ndarray:
    centred = vectors - vectors.mean(0, dtype=np.float64)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign([row[np.abs(row).argmax()] for row in vt])
    reduced = (u * s * signs)[:, :width]
    return reduced * SCALE / np.sqrt((reduced**2).mean())


@pytest.mark.parametrize("width", [1, 3, 8])
def test_components_are_those_of_the_svd(vectors, width):
    found = reduced_by_pca(vectors, width)
    assert (found.shape, found.dtype) == ((40, width), np.float32)
    np.testing.assert_allclose(found, by_svd(vectors, width), atol=1e-5)


def test_scale_and_centre(vectors):
    found = reduced_by_pca(vectors, 4)
    assert np.sqrt((found**2).mean()) == pytest.approx(SCALE, rel=1e-5)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-6)
    assert (np.diff(found.var(0)) < 0).all()


def test_two_points_by_hand():
    # (0, 0) and (3, 4): five apart along (0.6, 0.8), of which 0.8 is the larger and so positive: -2.5 and 2.5.
    np.testing.assert_allclose(reduced_by_pca(np.array([[0.0, 0.0], [3.0, 4.0]]), 1), [[-SCALE], [SCALE]], atol=1e-6)
    # The other way about the sign is still that of the direction, not of the first row.
    np.testing.assert_allclose(reduced_by_pca(np.array([[3.0, 4.0], [0.0, 0.0]]), 1), [[SCALE], [-SCALE]], atol=1e-6)


def test_signs_do_not_depend_on_the_order_of_words(vectors):
    order = np.random.default_rng(1).permutation(len(vectors))
    np.testing.assert_allclose(reduced_by_pca(vectors[order], 8), reduced_by_pca(vectors, 8)[order], atol=1e-5)


def test_columns_past_the_vectors_own_are_zero(vectors):
    found = reduced_by_pca(vectors, 11)
    np.testing.assert_array_equal(found[:, 8:], 0)
    np.testing.assert_array_equal(found[:, :8], reduced_by_pca(vectors, 8))


def test_fewer_words_than_columns():
    found = reduced_by_pca(np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]), 4)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-6)


def test_words_alike_give_zeros():
    np.testing.assert_array_equal(reduced_by_pca(np.ones((5, 3), np.float32), 2), np.zeros((5, 2)))


@pytest.mark.parametrize("width", [3, 8, 11])
def test_table_has_its_words_and_neither_padding_nor_unknown(vectors, width):
    table = table_from(vectors, width)
    assert (table.shape, table.dtype) == ((40, width), np.float32)
    np.testing.assert_array_equal(table[[PAD_ID, UNKNOWN_ID]], 0)
    np.testing.assert_allclose(table[2:, :8], by_svd(vectors[2:], width)[:, :8], atol=1e-5)
    assert table[MASK_ID].any()


def test_padding_and_unknown_do_not_weigh_on_the_words(vectors):
    other = vectors.copy()
    other[[PAD_ID, UNKNOWN_ID]] = 1e6
    np.testing.assert_array_equal(table_from(other, 5), table_from(vectors, 5))


def test_random_table():
    table = random_table(2000, 50, seed=1)
    assert (table.shape, table.dtype) == ((2000, 50), np.float32)
    np.testing.assert_array_equal(table[PAD_ID], 0)
    # Of 100,000 draws: the deviation is known to 0.15 / sqrt(200,000), four of which are 0.0014.
    assert table.std() == pytest.approx(SCALE, abs=0.0014)
    np.testing.assert_array_equal(table, random_table(2000, 50, seed=1))
    assert (table != random_table(2000, 50, seed=2)).any()

"""Word vectors: a BERT's by hand, principal components by numpy's SVD, and the special words' rows."""

import tracemalloc

import numpy as np
import pytest

from tests.conftest import Count, random_teacher
from tfkd.models.teacher import Teacher
from tfkd.models.word_vectors import (
    encoder_vectors,
    principal_components,
    random_vectors,
    randomize_rows,
    teacher_vectors,
    vocabulary_vectors,
)
from tfkd.text.vocabulary import MASK_ID, MASK_MARKER, PAD_ID, UNKNOWN_ID

SCALE = 0.15


@pytest.fixture(scope="module")
def teacher(tiny_bert) -> Teacher:
    return random_teacher(tiny_bert, num_classes=2, seed=1)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """40 vectors of 8 correlated columns, far from the origin."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(40, 8)) @ rng.normal(size=(8, 8)) + 5).astype(np.float32)


def by_svd(vectors: np.ndarray, width: int) -> np.ndarray:
    centred = vectors - vectors.mean(0, dtype=np.float64)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign([row[np.abs(row).argmax()] for row in vt])
    turned = u * s * signs
    return turned * SCALE / np.sqrt((turned[:, :width] ** 2).mean())


@pytest.mark.parametrize("width", [1, 3, 8])
def test_components_are_those_of_the_svd(vectors, width):
    found = principal_components(vectors, width)
    assert (found.shape, found.dtype) == ((40, 8), np.float32)
    np.testing.assert_allclose(found, by_svd(vectors, width), rtol=1e-5, atol=1e-5)


def test_scale_and_centre(vectors):
    found = principal_components(vectors, 4)
    assert np.sqrt((found[:, :4] ** 2).mean()) == pytest.approx(SCALE, rel=1e-5)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-6)
    assert (np.diff(found.var(0)) < 0).all()


def test_two_points_by_hand():
    # (0, 0) and (3, 4): five apart along (0.6, 0.8), of which 0.8 is the larger and so positive: -2.5 and 2.5.
    found = principal_components(np.array([[0.0, 0.0], [3.0, 4.0]]), 1)
    np.testing.assert_allclose(found, [[-SCALE, 0], [SCALE, 0]], atol=1e-6)
    # The other way about the sign is still that of the axis, not of the first row.
    found = principal_components(np.array([[3.0, 4.0], [0.0, 0.0]]), 1)
    np.testing.assert_allclose(found, [[SCALE, 0], [-SCALE, 0]], atol=1e-6)


def test_signs_do_not_depend_on_the_order_of_words(vectors):
    order = np.random.default_rng(1).permutation(len(vectors))
    expected = principal_components(vectors, 8)[order]
    np.testing.assert_allclose(principal_components(vectors[order], 8), expected, atol=1e-5)


def test_columns_past_the_vectors_own_are_zero(vectors):
    found = principal_components(vectors, 11)
    np.testing.assert_array_equal(found[:, 8:], 0)
    np.testing.assert_array_equal(found[:, :8], principal_components(vectors, 8))


def test_fewer_words_than_columns():
    found = principal_components(np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]), 4)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-6)


def test_words_alike_give_zeros():
    np.testing.assert_array_equal(principal_components(np.ones((5, 3), np.float32), 2), np.zeros((5, 3)))


@pytest.mark.parametrize("width", [3, 8, 11])
def test_vocabulary_has_its_words_and_neither_padding_nor_unknown(vectors, width):
    found = vocabulary_vectors(vectors, width)
    assert (found.shape, found.dtype) == ((40, max(width, 8)), np.float32)
    np.testing.assert_array_equal(found[[PAD_ID, UNKNOWN_ID]], 0)
    np.testing.assert_array_equal(found[2:], principal_components(vectors[2:], width))
    assert found[MASK_ID].any()


def test_padding_and_unknown_do_not_weigh_on_the_words(vectors):
    other = vectors.copy()
    other[[PAD_ID, UNKNOWN_ID]] = 1e6
    np.testing.assert_array_equal(vocabulary_vectors(other, 5), vocabulary_vectors(vectors, 5))


def test_vectors_of_a_teacher_are_its_encoders_and_its_tables(teacher):
    words = ["good", "films", "\u200d"]  # one piece, two, none
    pieces = teacher.tokenizer.get_vocabulary()
    table = teacher.classifier.backbone.get_layer("token_embedding").get_weights()[0]
    films = (table[pieces.index("film")] + table[pieces.index("##s")]) / 2
    rows = np.stack([table[pieces.index("good")], films, np.zeros(16)])
    halves = []
    for half in (encoder_vectors(words, teacher), rows):
        centred = half - half.sum(0) / 3
        halves.append(centred / np.sqrt((centred**2).sum() / 48))
    found = teacher_vectors(words, teacher, count := Count())
    assert count.n == pytest.approx(len(words))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.hstack(halves), rtol=1e-4, atol=1e-5)


def test_encoders_vector_is_the_mean_over_a_words_pieces(teacher):
    words = ["films", "good", MASK_MARKER, "so"]
    vectors = encoder_vectors(words, teacher)
    assert (vectors.shape, vectors.dtype) == ((4, 16), np.float32)
    for word, pieces in (("films", ["film", "##s"]), ("good", ["good"]), (MASK_MARKER, ["[MASK]"])):
        ids = [teacher.tokenizer.token_to_id(piece) for piece in ("[CLS]", *pieces, "[SEP]")]
        token_ids = np.array([ids])
        inputs = {"token_ids": token_ids, "segment_ids": 0 * token_ids, "padding_mask": token_ids**0}
        states = teacher.classifier.backbone.predict(inputs, verbose=0)["sequence_output"][0]
        np.testing.assert_allclose(vectors[words.index(word)], states[1:-1].mean(0), atol=1e-5)


def test_encoders_vectors_do_not_depend_on_batches(teacher):
    words = ["films", "good", "the", "bads", "unheard"]
    np.testing.assert_allclose(encoder_vectors(words, teacher, 2), encoder_vectors(words, teacher), atol=1e-6)


def test_encoders_vector_of_a_word_without_pieces_is_zero(teacher):
    np.testing.assert_array_equal(encoder_vectors(["good", "\u200d"], teacher)[1], np.zeros(16))


def test_random_vectors():
    vectors = random_vectors(2000, 50, seed=1)
    assert (vectors.shape, vectors.dtype) == ((2000, 50), np.float32)
    np.testing.assert_array_equal(vectors[PAD_ID], 0)
    # Of 100,000 draws: the deviation is known to 0.15 / sqrt(200,000), four of which are 0.0014.
    assert vectors.std() == pytest.approx(SCALE, abs=0.0014)
    np.testing.assert_array_equal(vectors, random_vectors(2000, 50, seed=1))
    assert (vectors != random_vectors(2000, 50, seed=2)).any()


def test_missing_rows_are_random_of_the_size_of_the_others():
    known = np.random.default_rng(0).normal(3, 0.5, (4000, 20)).astype(np.float32)
    missing = np.arange(4000) % 2 == 1
    found = np.where(missing[:, None], 0, known)
    randomize_rows(found, missing, seed=5)
    np.testing.assert_array_equal(found[~missing], known[~missing])
    # Of 40,000 draws the mean is known to 0.5 / 200, four of which are 0.01, and the deviation better.
    assert found[missing].mean() == pytest.approx(3, abs=0.01)
    assert found[missing].std() == pytest.approx(0.5, abs=0.01)
    again = found.copy()
    randomize_rows(again, missing, seed=5)
    np.testing.assert_array_equal(again, found)


def test_missing_rows_have_each_columns_own_mean():
    known = np.random.default_rng(0).normal([1, -1], 0.5, (3000, 2)).astype(np.float32)
    missing = np.arange(3000) >= 1000
    randomize_rows(known, missing, seed=5)
    # Of 2000 draws of deviation 0.5 the mean is known to 0.011, and the deviation to 0.008.
    np.testing.assert_allclose(known[missing].mean(0), [1, -1], atol=0.05)
    assert known[missing].std(0) == pytest.approx([0.5, 0.5], abs=0.04)


def test_missing_rows_of_others_that_are_all_alike_are_like_them():
    vectors = np.full((110, 3), 1.1, np.float32)
    randomize_rows(vectors, np.arange(110) >= 100, seed=5)
    np.testing.assert_allclose(vectors, 1.1, atol=1e-6)


def test_memory_is_that_of_the_vectors_and_of_what_comes_of_them():
    vectors = np.random.default_rng(0).normal(size=(40_000, 50)).astype(np.float32)
    missing = np.arange(len(vectors)) % 3 == 0
    tracemalloc.start()
    randomize_rows(vectors, missing, seed=5)
    in_place = tracemalloc.get_traced_memory()[1]
    made = vocabulary_vectors(vectors, 50)
    in_all = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    overwritten = vocabulary_vectors(vectors, 40, overwrite=True)
    in_their_place = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert in_place < 0.3 * vectors.nbytes
    assert in_all < made.nbytes + 0.3 * vectors.nbytes
    assert in_their_place < 0.3 * vectors.nbytes
    assert overwritten is vectors


@pytest.mark.parametrize("width", [3, 5, 7])
def test_vectors_that_are_overwritten_come_to_the_same(width):
    vectors = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    expected = vocabulary_vectors(vectors.copy(), width)
    np.testing.assert_array_equal(vocabulary_vectors(vectors, width, overwrite=True), expected)

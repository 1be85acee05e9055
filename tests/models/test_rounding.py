from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfkd.models.rounding import Rounding
from tfkd.models.student import BiLstmClassifier

WIDTH, RANK = 9, 4
WORDS = np.random.default_rng(0).normal(size=(2, 5, WIDTH)).astype(np.float32)


def lstms() -> list[keras.layers.LSTM]:
    layers = [keras.layers.LSTM(4) for _ in range(2)]
    for layer in layers:
        layer.build((None, None, WIDTH))
    return layers


def bases() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [np.linalg.qr(rng.normal(size=(16, RANK - 1)))[0].T.astype(np.float32) for _ in range(2)]


def test_nothing_is_rounded_before_it_begins():
    np.testing.assert_array_equal(Rounding(lstms(), RANK)(WORDS), np.zeros_like(WORDS))


def test_embeddings_that_stand_in_the_table_are_rounded_themselves():
    layer = Rounding(lstms(), 0)
    layer(WORDS)
    layer.begin([])
    by_hand = np.array([[7.0, -3.4, 0.6, 2, 2, 2, 2, 2, 2], [0.7, 0.26, -0.7, 0, 0, 0, 0, 0, 0]], np.float32)
    rounded = np.array([[7, -3, 1, 2, 2, 2, 2, 2, 2], [0.7, 0.3, -0.7, 0, 0, 0, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(by_hand + layer(by_hand), rounded, atol=1e-6)
    np.testing.assert_array_equal(layer(np.zeros((1, WIDTH), np.float32)), np.zeros((1, WIDTH)))


def test_what_a_table_of_few_dimensions_holds_is_rounded_by_the_least_change():
    directions = lstms()
    layer = Rounding(directions, RANK)
    layer(WORDS)
    layer.begin(bases())
    rounded = WORDS + np.asarray(layer(WORDS))
    given = [np.asarray(lstm.cell.kernel) @ basis.T for lstm, basis in zip(directions, bases(), strict=True)]
    for of_direction in given:
        before, after = WORDS @ of_direction, rounded @ of_direction
        scales = np.abs(before).max(axis=-1, keepdims=True) / 7
        np.testing.assert_allclose(after, np.rint(before / scales) * scales, atol=1e-5)
        assert np.abs(after - before).max() > 1e-2
    # The least: nothing of the change is of no use.
    useless = np.linalg.svd(np.concatenate(given, axis=1).T)[2][2 * (RANK - 1) :]
    np.testing.assert_allclose((rounded - WORDS) @ useless.T, 0, atol=1e-5)


def test_no_gradient_comes_of_it():
    layer, words = Rounding(lstms(), RANK), tf.constant(WORDS)
    layer(words)
    layer.begin(bases())
    with tf.GradientTape() as tape:
        tape.watch(words)
        total = tf.reduce_sum((words + layer(words)) * 3)
    np.testing.assert_allclose(tape.gradient(total, words), np.full(WORDS.shape, 3), atol=1e-6)


@pytest.mark.parametrize(("rank", "bases_held"), [(5, 2), (6, 0), (0, 0)])
def test_it_goes_by_the_kernels_where_the_file_does(rank, bases_held):
    """The table is folded where two directions of that rank are no wider than a word and its bias."""
    layer = Rounding(lstms(), rank)
    layer(WORDS)
    assert len(layer.bases) == bases_held


def test_dropout_makes_no_more_of_it():
    """What is added to the words of a student in training is what is added to those of one in use."""
    model = BiLstmClassifier(12, 2, WIDTH, 4, 5, dropout=0.5, rounding=lambda lstms: Rounding(lstms, RANK))
    assert model.rounding is not None
    model.rounding.begin(bases())
    inputs = keras.Model(model.input, [model.get_layer("embedding_dropout").output, model.get_layer("rounded").output])
    ids = np.array([[3, 4, 5, 0]], np.int32)
    changes = [np.subtract(*reversed(inputs(ids, training=training))) for training in (False, True)]
    np.testing.assert_allclose(changes[0], changes[1], atol=1e-5)
    assert np.abs(changes[0]).max() > 1e-3
    dropped = np.asarray(inputs(ids, training=True)[0])
    assert (dropped == 0).any()

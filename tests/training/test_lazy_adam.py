"""Adam that leaves the rows a batch doesn't have: against Keras' Adam, and by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfkd.training.lazy_adam import LazyAdam

GRADIENTS = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)


def steps(optimizer: keras.optimizers.Optimizer, gradients) -> np.ndarray:
    """The weights, 4 by 3 and all ones at first, after a step for each gradient."""
    variable = keras.Variable(np.ones((4, 3), np.float32))
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([gradient], [variable])
    return variable.numpy()


def slices(gradient: np.ndarray, rows: list[int]) -> tf.IndexedSlices:
    return tf.IndexedSlices(tf.constant(gradient[rows]), tf.constant(rows), tf.constant([4, 3]))


@pytest.mark.parametrize("clipnorm", [None, 0.5])
def test_rows_that_every_batch_has_and_other_weights_move_as_by_adam(clipnorm):
    expected = steps(keras.optimizers.Adam(0.1, clipnorm=clipnorm), [tf.constant(g) for g in GRADIENTS])
    dense = steps(LazyAdam(0.1, clipnorm=clipnorm), [tf.constant(g) for g in GRADIENTS])
    np.testing.assert_array_equal(dense, expected)
    sparse = steps(LazyAdam(0.1, clipnorm=clipnorm), [slices(g, [2, 0, 3, 1]) for g in GRADIENTS])
    np.testing.assert_allclose(sparse, expected, rtol=1e-5)


def test_row_that_a_batch_lacks_stays():
    """Adam's momentum would carry it on."""
    first, later = [slices(GRADIENTS[0], [1, 2])], [slices(g, [2]) for g in GRADIENTS[1:]]
    found = steps(LazyAdam(0.1), first + later)
    np.testing.assert_array_equal(found[1], steps(LazyAdam(0.1), first)[1])
    np.testing.assert_array_equal(found[[0, 3]], 1)
    assert (found[1:3] != 1).all()


def test_first_step_by_hand():
    """At the first step the moments' corrections cancel: each entry moves by the learning rate, against its sign."""
    np.testing.assert_allclose(
        steps(LazyAdam(0.1), [slices(GRADIENTS[0], [3])])[3], 1 - 0.1 * np.sign(GRADIENTS[0][3]), rtol=1e-4
    )


def test_word_that_occurs_twice_moves_by_the_sum():
    twice = tf.IndexedSlices(tf.constant(GRADIENTS[0, :3]), tf.constant([1, 2, 1]), tf.constant([4, 3]))
    summed = np.stack([GRADIENTS[0, 0] + GRADIENTS[0, 2], GRADIENTS[0, 1]])
    once = tf.IndexedSlices(tf.constant(summed), tf.constant([1, 2]), tf.constant([4, 3]))
    second = slices(GRADIENTS[1], [1])  # after which the size of the first counts
    np.testing.assert_allclose(steps(LazyAdam(0.1), [twice, second]), steps(LazyAdam(0.1), [once, second]), rtol=1e-5)

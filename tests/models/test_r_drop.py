"""R-Drop's loss, worked by hand."""

import keras
import numpy as np
import pytest

from tfkd.models.r_drop import RDropCrossEntropy, twice

# Of the first row dropout made probabilities 0.2689414 and 0.7310586 one time, and a half each the other; of the
# second the same both times.
LABELS = twice(np.array([1, 0], np.int32))
LOGITS = np.array([[0, 1], [2, 2], [0, 0], [2, 2]], np.float32)


def test_rows_stand_in_both_halves():
    np.testing.assert_array_equal(LABELS, [1, 0, 1, 0])
    np.testing.assert_array_equal(twice(np.eye(2)), [[1, 0], [0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("alpha", "first"),
    [
        # The mean of -ln 0.7310586 and ln 2.
        (0.0, 0.5032045),
        # Both divergences are together the sum over classes of (p - q) * ln(p / q): -0.2310586 * -0.6201145 and
        # 0.2310586 * 0.3798855, which is 0.2310586; a quarter of it is what alpha weighs.
        (2.0, 0.5032045 + 2 * 0.2310586 / 4),
    ],
)
def test_loss_by_hand(alpha, first):
    expected = [first, np.log(2)]
    np.testing.assert_allclose(RDropCrossEntropy(alpha).call(LABELS, LOGITS), expected, rtol=1e-6)
    np.testing.assert_allclose(RDropCrossEntropy(alpha)(LABELS, LOGITS), np.mean(expected), rtol=1e-6)


def test_without_alpha_it_is_the_cross_entropy():
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(RDropCrossEntropy(0.0)(LABELS, LOGITS), plain(LABELS, LOGITS), rtol=1e-6)

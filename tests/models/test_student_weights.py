"""The arrays of a student, and what they compute."""

from __future__ import annotations

import numpy as np

from tests.export.conftest import randomized
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier


def test_steps_are_those_of_keras():
    """The state that enters the last step is Keras' last state of the text without its last word."""
    model = randomized(BiLstmClassifier(9, 2, 6, 5, 4))
    weights = weights_of(model)
    ids = np.array([[0, 0, 3, 8, 5], [1, 2, 3, 4, 5]], np.int32)
    steps = list(weights.directions[0].steps(weights.embedding, ids))
    (table,), lstm = model.get_layer("embedding").get_weights(), model.get_layer("bilstm").forward_layer
    for row, first in enumerate((2, 0)):
        np.testing.assert_allclose(steps[-1].state[row], lstm(table[ids[row, first:-1]][np.newaxis])[0], atol=1e-6)
    assert not steps[2].state[0].any()
    np.testing.assert_allclose(steps[3].total, steps[3].projected + steps[3].recurrent)

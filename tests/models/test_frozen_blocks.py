"""A classifier in two: which weights each part has, and the same logits by way of both."""

import keras
import numpy as np
import pytest

from tests.conftest import Count, random_teacher
from tfkd.models.frozen_blocks import FrozenStates, TrainedBlocks
from tfkd.models.teacher import Teacher

EMBEDDINGS = {"token_embedding", "position_embedding", "segment_embedding", "embeddings_layer_norm"}
LAYERS = ["transformer_layer_0", "transformer_layer_1"]
TEXTS = ["the film is good .", "bad", "the film's plot was so very dull , and the cast was awful", "", "good film"]


@pytest.fixture
def teacher(tiny_bert) -> Teacher:
    return random_teacher(tiny_bert, num_classes=3, seed=1)


@pytest.mark.parametrize(
    ("frozen_blocks", "frozen"),
    [
        (0, set()),
        (1, EMBEDDINGS),
        (2, {*EMBEDDINGS, LAYERS[0]}),
        (3, {*EMBEDDINGS, *LAYERS}),
        (9, {*EMBEDDINGS, *LAYERS}),
    ],
)
def test_blocks_are_frozen_from_below(teacher, frozen_blocks, frozen):
    trained = {id(v) for v in TrainedBlocks(teacher.classifier, frozen_blocks).model.trainable_variables}
    for layer in teacher.classifier.backbone.layers:
        for variable in layer.weights:
            assert (id(variable) in trained) == (layer.name not in frozen), variable.path
    for variable in teacher.classifier.output_dense.weights:
        assert id(variable) in trained


@pytest.mark.parametrize("frozen_blocks", range(4))
def test_logits_by_way_of_both_parts_are_the_classifiers(teacher, frozen_blocks):
    trained, pieces = TrainedBlocks(teacher.classifier, frozen_blocks), teacher.encode(TEXTS)
    logits = trained.logits(trained.inputs(pieces), count := Count())
    assert count.n == pytest.approx(len(TEXTS))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, teacher.logits(pieces), atol=1e-5)


def test_what_is_trained_is_trained_in_the_classifier_and_what_is_frozen_is_not(teacher):
    pieces, labels = teacher.encode(TEXTS), np.array([0, 1, 2, 0, 1])
    trained = TrainedBlocks(teacher.classifier, 2)
    inputs = trained.inputs(pieces)
    before = {v.path: np.array(v) for v in teacher.classifier.weights}
    trained.model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    trained.model.train_on_batch(inputs.padded(np.arange(len(TEXTS))), labels)
    changed = {v.path for v in teacher.classifier.weights if (np.array(v) != before[v.path]).any()}
    assert any(LAYERS[1] in path for path in changed)
    assert not any(LAYERS[0] in path or "embedding" in path for path in changed)
    np.testing.assert_allclose(trained.logits(inputs), teacher.logits(pieces), atol=1e-5)


@pytest.mark.parametrize("rows", [[0], [2, 1], [4, 3, 0]])
def test_states_are_the_same_kept_or_computed(teacher, rows):
    backbone, pieces = teacher.classifier.backbone, teacher.encode(TEXTS)
    frozen = keras.Model(backbone.input, backbone.transformer_layers[0].output)
    bytes_of_all = 4 * 16 * int(pieces.lengths.sum())
    kept, computed = (
        FrozenStates(frozen, pieces, size).padded(np.array(rows)) for size in (bytes_of_all, bytes_of_all - 1)
    )
    np.testing.assert_array_equal(kept["padding_mask"], computed["padding_mask"])
    for one, other, row in zip(kept["states"], computed["states"], rows, strict=True):
        length = pieces.lengths[row]
        np.testing.assert_allclose(one[:length], other[:length], atol=1e-5)
        np.testing.assert_array_equal(one[length:], 0)


def test_lengths_are_counted_once(teacher):
    """Each batch asks for them, and each row of the kept states: counted anew that took minutes of 60,000 texts."""
    pieces = teacher.encode(TEXTS)
    backbone = teacher.classifier.backbone
    states = FrozenStates(keras.Model(backbone.input, backbone.transformer_layers[0].output), pieces)
    assert states.lengths is pieces.lengths


def test_kept_states_are_not_computed_again(teacher):
    backbone, pieces = teacher.classifier.backbone, teacher.encode(TEXTS)
    states = FrozenStates(keras.Model(backbone.input, backbone.transformer_layers[0].output), pieces)
    before = states.padded(np.arange(len(TEXTS)))["states"]
    backbone.set_weights([np.zeros_like(w) for w in backbone.get_weights()])
    np.testing.assert_array_equal(states.padded(np.arange(len(TEXTS)))["states"], before)

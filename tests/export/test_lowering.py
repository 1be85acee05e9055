"""The straight-line graph against the Keras student it is made of."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.conftest import randomized
from tfkd.errors import InputError
from tfkd.export.conversion import RECIPES, convert
from tfkd.export.lowering import StudentWeights, lower
from tfkd.models.student import BiLstmClassifier


def keras_probabilities(model: keras.Model, ids: np.ndarray | list[np.ndarray]) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.softmax(model(ids)))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_lowered_student_equals_keras_masked_bilstm(data):
    size = st.integers(1, 9)
    vocabulary_size, classes, tokens = data.draw(st.integers(2, 20)), data.draw(st.integers(2, 4)), data.draw(size)
    model = BiLstmClassifier(
        vocabulary_size, classes, embedding_dim=data.draw(size), hidden_size=data.draw(size), dense_size=data.draw(size)
    )
    randomized(model, data.draw(st.integers(0, 99)))
    # Any id anywhere: padding before, between and after the words.
    ids = st.lists(st.integers(0, vocabulary_size - 1), min_size=tokens, max_size=tokens)
    rows = np.array([*data.draw(st.lists(ids, min_size=1, max_size=5)), [0] * tokens], np.int32)
    call = lower(StudentWeights.from_model(model), tokens).__call__
    lowered = np.concatenate([call(row[None])["probabilities"] for row in rows])
    np.testing.assert_allclose(lowered, keras_probabilities(model, rows), atol=1e-5)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_lowered_student_of_pairs_equals_keras(data):
    size = st.integers(1, 9)
    vocabulary_size, tokens = data.draw(st.integers(2, 20)), data.draw(size)
    shape = {"embedding_dim": data.draw(size), "hidden_size": data.draw(size), "dense_size": data.draw(size)}
    model = randomized(BiLstmClassifier(vocabulary_size, 3, **shape, pairs=True), data.draw(st.integers(0, 99)))
    ids = st.lists(st.integers(0, vocabulary_size - 1), min_size=tokens, max_size=tokens)
    rows = data.draw(st.lists(st.tuples(ids, ids), min_size=1, max_size=5))
    first, second = np.array([*rows, ([0] * tokens, rows[0][1])], np.int32).transpose(1, 0, 2)
    call = lower(StudentWeights.from_model(model), tokens).__call__
    lowered = np.concatenate([call(a[None], b[None])["probabilities"] for a, b in zip(first, second, strict=True)])
    np.testing.assert_allclose(lowered, keras_probabilities(model, [first, second]), atol=1e-5)


def test_padding_at_the_end_changes_nothing(student):
    words = np.array([[3, 4, 5]], np.int32)
    call = lower(StudentWeights.from_model(student), 7).__call__
    padded = call(np.pad(words, [(0, 0), (0, 4)]))["probabilities"]
    np.testing.assert_allclose(padded, keras_probabilities(student, words), atol=1e-5)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(words=st.lists(st.integers(1, 9), max_size=5), segments=st.integers(0, 1))
def test_like_bert_it_reads_what_stands_between_cls_and_sep(words, segments):
    model = randomized(BiLstmClassifier(10, 2, 6, 5, 4))
    padding = [0] * (5 - len(words))
    call = lower(StudentWeights.from_model(model), 5, like_bert=True).__call__
    inputs = [[8, *words, 9, *padding], [1] * (len(words) + 2) + padding, [segments] * 7]
    like_bert = call(*(np.array([row], np.int32) for row in inputs))["probabilities"]
    expected = keras_probabilities(model, np.array([[*words, *padding]], np.int32))
    np.testing.assert_allclose(like_bert, expected, atol=1e-5)


def test_ids_out_of_range_read_the_nearest_row(student):
    call = lower(StudentWeights.from_model(student), 3).__call__
    last = student.vocabulary_size - 1
    outside = call(np.array([[5, 2**31 - 1, -(2**31)]], np.int32))["probabilities"]
    np.testing.assert_array_equal(outside, call(np.array([[5, last, 0]], np.int32))["probabilities"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("layer", ["embedding", "bilstm", "logits"])
def test_weights_not_finite_are_refused(layer, value):
    model = randomized(BiLstmClassifier(5, 2, 4, 4, 4))
    weights = model.get_layer(layer).get_weights()
    weights[0][1, 1] = value
    model.get_layer(layer).set_weights(weights)
    with pytest.raises(InputError, match=f"'{layer}'.*NaN or infinite"):
        StudentWeights.from_model(model)


@pytest.mark.parametrize(("recipe", "tolerance"), [("float32", 1e-5), ("dynamic_int8", 0.02)])
def test_converted_student_gives_keras_probabilities(recipe, tolerance):
    # Every matrix but the last has more than 1024 elements: int8 in the file. Weights of a trained student's size.
    model = BiLstmClassifier(200, 3, embedding_dim=40, hidden_size=32, dense_size=24)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(0, 0.05, w.shape).astype(np.float32) for w in model.get_weights()])
    ids = rng.integers(1, 200, (20, 10)).astype(np.int32) * (np.arange(10) < rng.integers(0, 11, (20, 1)))
    content = convert(lower(StudentWeights.from_model(model), 10), recipe)
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    run = interpreter.get_signature_runner()
    converted = np.concatenate([run(token_ids=row[None].astype(np.int32))["probabilities"] for row in ids])
    np.testing.assert_allclose(converted, keras_probabilities(model, ids.astype(np.int32)), atol=tolerance)


def test_the_recipes_are_those_of_the_flag():
    from tfkd.config import ExportConfig

    assert ExportConfig.__dataclass_fields__["quantization"].metadata["choices"] == tuple(RECIPES)

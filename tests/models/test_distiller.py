"""The distiller's step: its loss and gradient by hand, its teacher left alone."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tfkd.models.distiller import Distiller
from tfkd.models.student import BiLstmClassifier
from tfkd.models.teacher import Teacher
from tfkd.text.examples import NO_LABEL


def linear(kernel) -> keras.Model:
    """Logits = x @ kernel."""
    kernel = np.array(kernel, np.float32)
    model = keras.Sequential([keras.Input((kernel.shape[0],)), keras.layers.Dense(kernel.shape[1], use_bias=False)])
    model.set_weights([kernel])
    return model


def distiller(student: keras.Model, alpha: float, teacher: keras.Model | None = None, learning_rate=0.1, **compiled):
    made = Distiller(student, alpha, teacher)
    made.build()
    made.compile(optimizer=keras.optimizers.SGD(learning_rate), jit_compile=False, **compiled)
    return made


def cached(labels, logits, weights=None):
    y = {"label": np.array(labels, np.int32), "logits": np.array(logits, np.float32)}
    return y if weights is None else (y, np.array(weights, np.float32))


X = np.array([[1.0, 2.0]], np.float32)
IDENTITY = [[1.0, 0.0], [0.0, 1.0]]  # the student's logits are (1, 2)


# --- by hand -----------------------------------------------------------------


def test_one_step_of_a_linear_student_by_hand():
    # Student's logits (1, 2), teacher's (3, 1), label 0, alpha 1/2. Loss: 0.5 * -ln 0.2689414 + 0.5 * (4 + 1)
    # = 0.6566309 + 2.5. By the logits: 0.5 * (p - (1, 0)) + 0.5 * 2 * ((1, 2) - (3, 1)), where p - (1, 0)
    # = (-0.7310586, 0.7310586): (-2.3655293, 1.3655293). By the kernel: times x = (1, 2), a row each. SGD takes 0.1.
    student = linear(IDENTITY)
    results = distiller(student, 0.5).train_on_batch(X, cached([0], [[3, 1]]), return_dict=True)
    assert results["loss"] == pytest.approx(3.1566309, rel=1e-6)
    assert results["teacher_agreement"] == 0.0
    expected = [[1 + 0.23655293, -0.13655293], [2 * 0.23655293, 1 - 2 * 0.13655293]]
    np.testing.assert_allclose(student.get_weights()[0], expected, rtol=1e-6)


def test_row_without_label_takes_the_teachers_argmax():
    labelled, unlabelled = linear(IDENTITY), linear(IDENTITY)
    losses = [
        distiller(student, 1.0).train_on_batch(X, cached([label], [[3, 1]]), return_dict=True)["loss"]
        for student, label in ((labelled, 0), (unlabelled, NO_LABEL))
    ]
    assert losses == pytest.approx([1.3132617] * 2)
    np.testing.assert_array_equal(labelled.get_weights()[0], unlabelled.get_weights()[0])


def test_rows_count_by_their_weight():
    # alpha 0: squared errors 5, and (1 - 0)^2 + (2 - 2)^2 = 1 of the second: (3 * 5 + 1 * 1) / 4 = 4.
    x = np.repeat(X, 2, axis=0)
    y, weights = cached([0, 0], [[3, 1], [0, 2]], [3, 1])
    student = linear(IDENTITY)
    assert distiller(student, 0.0).train_on_batch(x, y, weights, return_dict=True)["loss"] == pytest.approx(4.0)
    # By the logits: 3/4 * (-4, 2) + 1/4 * (2, 0) = (-2.5, 1.5).
    np.testing.assert_allclose(student.get_weights()[0], [[1.25, -0.15], [0.5, 0.7]], rtol=1e-6)


def test_row_of_no_weight_teaches_nothing():
    weighted, alone, untouched = linear(IDENTITY), linear(IDENTITY), linear(IDENTITY)
    y, weights = cached([0, 1], [[3, 1], [-9, 9]], [1, 0])
    distiller(weighted, 0.5).train_on_batch(np.repeat(X, 2, axis=0), y, weights)
    distiller(alone, 0.5).train_on_batch(X, cached([0], [[3, 1]]))
    np.testing.assert_allclose(weighted.get_weights()[0], alone.get_weights()[0], rtol=1e-6)
    y, weights = cached([0], [[3, 1]], [0])
    assert distiller(untouched, 0.5).train_on_batch(X, y, weights, return_dict=True)["loss"] == 0.0
    np.testing.assert_array_equal(untouched.get_weights()[0], IDENTITY)


def test_evaluation_gives_loss_and_agreement_and_changes_nothing():
    student = linear(IDENTITY)
    # The student says class 1 both times; the teacher 0, then 1. Mean loss of alpha 0: (5 + 1) / 2.
    found = distiller(student, 0.0).evaluate(
        np.repeat(X, 2, axis=0), cached([0, NO_LABEL], [[3, 1], [0, 2]]), verbose=0, return_dict=True
    )
    assert found == pytest.approx({"loss": 3.0, "teacher_agreement": 0.5})
    np.testing.assert_array_equal(student.get_weights()[0], IDENTITY)


def test_loss_of_an_epoch_is_the_mean_over_its_rows():
    # alpha 0, nothing learnt: squared errors 5, 1, 5 in batches of 2 and 1: 11 / 3, not (3 + 5) / 2.
    history = distiller(linear(IDENTITY), 0.0, learning_rate=0.0).fit(
        np.repeat(X, 3, axis=0), cached([0] * 3, [[3, 1], [0, 2], [3, 1]]), batch_size=2, shuffle=False, verbose=0
    )
    assert history.history["loss"] == pytest.approx([11 / 3])
    assert history.history["teacher_agreement"] == pytest.approx([1 / 3])


def test_prediction_is_the_students_logits():
    np.testing.assert_array_equal(distiller(linear(IDENTITY), 0.0).predict(X, verbose=0), [[1.0, 2.0]])


# --- one call a step ---------------------------------------------------------


@keras.saving.register_keras_serializable(package="tests")
class Counted(keras.layers.Layer):
    """Counts its calls, eager ones each."""

    calls = 0

    def call(self, x, training=False):
        Counted.calls += 1
        self.training = training
        return x


@pytest.mark.parametrize("with_teacher", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_student_is_called_once_a_step(with_teacher, alpha):
    counted = Counted()
    student = keras.Sequential([keras.Input((2,)), counted, keras.layers.Dense(2)])
    model = distiller(student, alpha, linear(IDENTITY) if with_teacher else None, run_eagerly=True)
    x, y = ({"student": X, "teacher": X}, {"label": np.array([0])}) if with_teacher else (X, cached([0], [[3, 1]]))
    before = Counted.calls
    for step in (1, 2, 3):
        model.train_on_batch(x, y)
        assert (Counted.calls - before, counted.training) == (step, True)
    model.test_on_batch(x, y)
    assert (Counted.calls - before, counted.training) == (4, False)


# --- a teacher in the loop ---------------------------------------------------


def small_student() -> BiLstmClassifier:
    keras.utils.set_random_seed(3)
    return BiLstmClassifier(vocabulary_size=9, num_classes=2, embedding_dim=4, hidden_size=3, dense_size=5)


def test_teacher_in_the_loop_is_as_good_as_cached_logits_and_is_left_alone(tiny_bert, tmp_path):
    teacher = Teacher.from_preset(tiny_bert, max_pieces=16, num_classes=2)
    rng = np.random.default_rng(0)
    teacher.classifier.set_weights([rng.normal(0, 0.5, w.shape) for w in teacher.classifier.get_weights()])
    texts = ["the film is good", "a very bad plot .", "it was so dull", "great"]
    pieces = teacher.encode(texts)
    logits = teacher.logits(pieces)
    before = teacher.classifier.get_weights()
    ids = np.array([[3, 4, 5, 0], [6, 7, 8, 3], [4, 4, 0, 0], [5, 0, 0, 0]], np.int32)
    labels, weights = np.array([1, 0, NO_LABEL, NO_LABEL], np.int32), np.array([1, 2, 0, 0.5], np.float32)

    by_cache, in_loop = small_student(), small_student()
    cache = distiller(by_cache, 0.3)
    loop = distiller(in_loop, 0.3, teacher.classifier)
    inputs = {"student": ids, "teacher": pieces.padded(np.arange(4))}
    for _ in range(3):
        one = cache.train_on_batch(ids, {"label": labels, "logits": logits}, weights, return_dict=True)
        other = loop.train_on_batch(inputs, {"label": labels}, weights, return_dict=True)
        assert other["loss"] == pytest.approx(float(one["loss"]), rel=1e-5)
        assert other["teacher_agreement"] == one["teacher_agreement"]
    for a, b in zip(by_cache.get_weights(), in_loop.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert loop.evaluate(inputs, {"label": labels}, verbose=0, return_dict=True)["loss"] == pytest.approx(
        cache.evaluate(ids, {"label": labels, "logits": logits}, verbose=0, return_dict=True)["loss"], rel=1e-5
    )

    # Not trained, though BERT's dropout and layers would be there to train.
    for a, b in zip(before, teacher.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # Not tracked.
    assert len(loop.weights) == len(in_loop.weights)
    assert {id(v) for v in loop.trainable_variables} == {id(v) for v in in_loop.trainable_variables}
    teachers = {id(v) for v in teacher.classifier.variables}
    assert not teachers & {id(v) for v in [*loop.variables, *loop.optimizer.variables]}
    assert loop.count_params() == in_loop.count_params()
    # Not saved.
    loop.save_weights(tmp_path / "loop.weights.h5")
    assert stored_values(tmp_path / "loop.weights.h5") <= in_loop.count_params() + 100  # metrics, optimizer's counters


def stored_values(path) -> int:
    """How many numbers an HDF5 file holds."""
    sizes = []
    with h5py.File(path) as f:
        f.visititems(lambda _, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None)
    return sum(sizes)


def test_student_of_a_distiller_saves_without_its_teacher(tmp_path):
    student = small_student()
    model = distiller(student, 0.0, linear(np.ones((1000, 2))))
    x = {"student": np.array([[3, 4]], np.int32), "teacher": np.ones((1, 1000), np.float32)}
    model.train_on_batch(x, {"label": np.array([NO_LABEL])})
    model.student.save(tmp_path / "student.keras")
    with zipfile.ZipFile(tmp_path / "student.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
    assert stored_values(tmp_path / "model.weights.h5") == student.count_params()
    loaded = keras.models.load_model(tmp_path / "student.keras")
    np.testing.assert_array_equal(loaded.predict(x["student"], verbose=0), student.predict(x["student"], verbose=0))


def test_no_gradient_flows_into_the_teacher():
    teacher, student = linear(IDENTITY), linear(IDENTITY)
    model = distiller(student, 0.0, teacher)
    with tf.GradientTape() as tape:
        tape.watch(teacher.trainable_variables[0].value)
        loss, _ = model._step(({"student": X, "teacher": 2 * X}, {"label": np.array([0])}), training=True)
    assert tape.gradient(loss, teacher.trainable_variables[0].value) is None
    assert loss.numpy() == 5.0  # (1 - 2)^2 + (2 - 4)^2

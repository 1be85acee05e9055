"""Epochs with checkpoints: killed anywhere and started again, the same weights; the best epoch kept."""

import re
import time
from unittest.mock import Mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfkd import progress
from tfkd.errors import InputError
from tfkd.models.teacher import WarmupLinearDecay
from tfkd.training.loop import fit_epochs, make_deterministic

SIGNATURE = (tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([None], tf.int32))
STEPS = 4


class KilledError(Exception):
    pass


def model(learning_rate: float = 0.05) -> keras.Model:
    """Has all that a training's state consists of: weights, Adam's moments, a schedule and dropout's random state."""
    make_deterministic(5)
    made = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.4), keras.layers.Dense(2)]
    )
    made.compile(
        keras.optimizers.Adam(WarmupLinearDecay(learning_rate, 4 * STEPS, 0.1)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,  # a graph takes longer to trace than these few steps; the models' own tests have one
    )
    return made


class Batches:
    """Four batches an epoch; notes which epochs it was asked for, and dies before a batch of one of them."""

    def __init__(self, dies_in: int | None = None, at: int = 0, scale: float = 1.0):
        self.asked: list[int] = []
        self.dies_in, self.at, self.scale = dies_in, at, scale

    def __call__(self, epoch: int):
        self.asked.append(epoch)
        rng = np.random.default_rng([1, epoch])
        for step in range(STEPS):
            if (epoch, step) == (self.dies_in, self.at):
                raise KilledError
            x = rng.normal(size=(6, 3)).astype(np.float32) * self.scale
            yield x, (x[:, 0] > 0).astype(np.int32)


class BatchesAfterAWhile(Batches):
    """The same, the first of an epoch after a second and a half, as where a graph is traced before it."""

    def __call__(self, epoch: int):
        time.sleep(1.5)
        yield from super().__call__(epoch)


def fit(fitted, folder, batches=None, accuracies=(0.1, 0.2, 0.3, 0.4), identity="me", seen=None, **options):
    """Trains for four epochs; each takes the next of `accuracies`, or dies of it."""
    remaining = iter(accuracies)

    def dev_accuracy() -> float:
        if seen is not None:
            seen.append(fitted.get_weights())
        accuracy = next(remaining)
        if accuracy is None:
            raise KilledError
        return accuracy

    return fit_epochs(
        fitted, batches or Batches(), SIGNATURE, STEPS, 4, dev_accuracy, folder, "test", identity=identity, **options
    )


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def figures(history) -> list[tuple[float, float]]:
    return [(epoch.loss, epoch.dev_accuracy) for epoch in history]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    fitted = model()
    return fit(fitted, tmp_path_factory.mktemp("whole")), fitted.get_weights()


def test_same_seed_gives_the_same_bytes(uninterrupted, tmp_path):
    fitted = model()
    history = fit(fitted, tmp_path)
    assert figures(history) == figures(uninterrupted[0])
    assert_same(fitted.get_weights(), uninterrupted[1])


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_killed_while_measuring_it_ends_with_the_same_weights(uninterrupted, tmp_path, epoch):
    with pytest.raises(KilledError):
        fit(model(), tmp_path, accuracies=(*(0.1, 0.2, 0.3, 0.4)[:epoch], None))
    again, batches = model(), Batches()
    history = fit(again, tmp_path, batches, accuracies=(0.1, 0.2, 0.3, 0.4)[epoch:])
    assert batches.asked == list(range(epoch, 4))
    assert figures(history) == figures(uninterrupted[0])
    assert_same(again.get_weights(), uninterrupted[1])


@pytest.mark.parametrize(("epoch", "step"), [(0, 2), (2, 0), (2, 3)])
def test_killed_within_an_epoch_it_ends_with_the_same_weights(uninterrupted, tmp_path, epoch, step):
    with pytest.raises(tf.errors.OpError, match="KilledError"):
        fit(model(), tmp_path, Batches(epoch, step))
    again, batches = model(), Batches()
    history = fit(again, tmp_path, batches, accuracies=(0.1, 0.2, 0.3, 0.4)[epoch:])
    assert batches.asked == list(range(epoch, 4))
    assert figures(history) == figures(uninterrupted[0])
    assert_same(again.get_weights(), uninterrupted[1])


def test_killed_after_its_last_epoch_it_trains_no_more(uninterrupted, tmp_path):
    fit(model(), tmp_path)
    again, batches = model(), Batches()
    assert figures(fit(again, tmp_path, batches, accuracies=())) == figures(uninterrupted[0])
    assert batches.asked == []
    assert_same(again.get_weights(), uninterrupted[1])


def test_checkpoint_of_another_training_is_started_over(uninterrupted, tmp_path, capsys):
    with pytest.raises(KilledError):
        fit(model(), tmp_path, accuracies=(0.9, 0.9, None), identity="other")
    again, batches = model(), Batches()
    history = fit(again, tmp_path, batches)
    assert "is of other data or flags; starting over" in capsys.readouterr().err
    assert batches.asked == [0, 1, 2, 3]
    # Neither the other's weights nor its best epoch, of 0.9, are left.
    assert figures(history) == figures(uninterrupted[0])
    assert_same(again.get_weights(), uninterrupted[1])


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [((0.5, 0.9, 0.7, 0.8), 1), ((0.9, 0.1, 0.9, 0.2), 2), ((0.0, 0.0, 0.0, 0.1), 3)],
)
def test_weights_are_those_of_the_best_epoch_and_the_last_of_equals(tmp_path, accuracies, best):
    fitted = model()
    seen: list = []
    history = fit(fitted, tmp_path, accuracies=accuracies, seen=seen)
    assert [epoch.dev_accuracy for epoch in history] == list(accuracies)
    assert_same(fitted.get_weights(), seen[best])
    assert any((a != b).any() for a, b in zip(seen[best], seen[best - 1], strict=True))


def test_best_epoch_before_the_kill_is_kept(tmp_path):
    seen: list = []
    with pytest.raises(KilledError):
        fit(model(), tmp_path, accuracies=(0.2, 0.9, 0.3, None), seen=seen)
    again = model()
    fit(again, tmp_path, accuracies=(0.4,))
    assert_same(again.get_weights(), seen[1])


def test_loss_that_is_no_longer_finite_is_said_and_spoils_no_checkpoint(tmp_path, uninterrupted):
    with pytest.raises(InputError, match=r"test: the loss is (nan|inf) in epoch 1; try a lower learning rate"):
        fit(model(), tmp_path, Batches(scale=np.inf))
    again = model()
    fit(again, tmp_path)
    assert_same(again.get_weights(), uninterrupted[1])


def test_loss_of_an_epoch_is_the_mean_over_its_steps(tmp_path):
    """By numpy, with nothing learnt and nothing dropped."""
    make_deterministic(0)
    linear = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
    linear.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    kernel = linear.get_weights()[0]
    for epoch, found in enumerate(fit(linear, tmp_path)):
        x, y = map(np.concatenate, zip(*Batches()(epoch), strict=True))
        logits = x @ kernel
        expected = np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y])
        assert found.loss == pytest.approx(expected, rel=1e-5)


def test_epochs_that_may_not_be_kept_are_not(tmp_path):
    """However good; and each epoch is announced, those before an interruption once."""
    fitted = model()
    seen: list = []
    announced: list[int] = []
    options: dict = {"first_to_keep": 2, "before_epoch": announced.append}
    with pytest.raises(KilledError):
        fit(model(), tmp_path, accuracies=(0.9, 0.8, None), **options)
    fit(fitted, tmp_path, accuracies=(0.3, 0.2), seen=seen, **options)
    assert announced == [0, 1, 2, 2, 3]
    assert_same(fitted.get_weights(), seen[0])


def test_a_step_is_traced_once(tmp_path):
    counted = model()
    counted.run_eagerly = False
    counted.train_step = Mock(wraps=counted.train_step)
    fit(counted, tmp_path)
    assert counted.train_step.call_count == 1


def test_what_comes_before_the_first_step_is_no_rate_of_steps(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_A_LINE", 1e-9)
    fit(model(), tmp_path, BatchesAfterAWhile())
    rates = re.findall(r"test: epoch \d of 4: .* ([\d.]+)k? steps/s, 00:00 left", capsys.readouterr().err)
    assert len(rates) >= 4
    assert min(map(float, rates)) > 2, rates

"""Epochs of `fit` with a checkpoint after each; the best epoch by dev is kept."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfkd.errors import InputError
from tfkd.progress import progress_bar, say
from tfkd.training.checkpoint import read_state, restore_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Attributes:
      loss: mean training loss.
      dev_accuracy: share of dev rows that are right after it.
      seconds: wall time.
    """

    loss: float
    dev_accuracy: float
    seconds: float


def make_deterministic(seed: int) -> None:
    """Same seed, same machine, same weights: seeds Python, NumPy and TensorFlow, and fixes the order of sums."""
    # Layers are numbered through the process, and the numbers get into the saved weights: without this a teacher's
    # fingerprint would depend on what was built before it.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit_epochs(
    model: keras.Model,
    batches: Callable[[int], Iterator[Any]],
    signature: Any,
    steps: int,
    epochs: int,
    dev_accuracy: Callable[[], float],
    folder: Path,
    what: str,
    identity: str,
    before_epoch: Callable[[int], None] = lambda epoch: None,
    first_to_keep: int = 0,
) -> list[Epoch]:
    """Trains a compiled model and leaves it with the weights of its best epoch; of equally good ones of the last, which
    is the surest of what it says.

    After each epoch all state is written to `folder`; called again after an
    interruption it goes on from there, and ends with the same weights.

    Args:
      model: a compiled model.
      batches: gives the batches of epoch 0, 1, ... anew at each call.
      signature: TensorSpecs of one batch.
      steps: batches of an epoch, for the progress bar.
      epochs: how many in all.
      dev_accuracy: measures the model as it is.
      folder: where the checkpoint and the best weights are kept.
      what: what the progress bar calls it.
      identity: tells trainings apart; a checkpoint of another one is not gone on with.
      before_epoch: called with the number of each epoch before it, also when training goes on with that epoch.
      first_to_keep: the first epoch that may be the one whose weights are left.

    Returns:
      One Epoch each.

    Raises:
      InputError: the loss is no longer finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, best = folder / "checkpoint.npz", folder / "best.npz"
    history: list[Epoch] = []
    # Were its variables made within the first step, TensorFlow would trace that step twice, some seconds each.
    model.optimizer.build(model.trainable_variables)
    if checkpoint.exists() and best.exists():  # killed while they were being removed, one may be gone
        if (state := read_state(checkpoint))["identity"] == identity:
            restore_checkpoint(checkpoint, model)
            history = [Epoch(**e) for e in state["history"]]
            say(f"{what}: going on after epoch {len(history)} of {epochs}")
        else:
            say(f"{what}: the checkpoint in {folder} is of other data or flags; starting over")
    for epoch in range(len(history), epochs):
        started = time.monotonic()
        before_epoch(epoch)
        dataset = tf.data.Dataset.from_generator(lambda e=epoch: batches(e), output_signature=signature).prefetch(8)
        with progress_bar(steps, f"{what}: epoch {epoch + 1} of {epochs}", "steps") as bar, warnings.catch_warnings():
            # How many batches there are is known only when the generator ends.
            warnings.filterwarnings("ignore", message="Your input ran out of data")
            fitted = model.fit(dataset, epochs=1, shuffle=False, verbose=0, callbacks=[_Progress(bar)])
        loss = float(fitted.history["loss"][-1])
        if not np.isfinite(loss):
            raise InputError(f"{what}: the loss is {loss} in epoch {epoch + 1}; try a lower learning rate")
        history.append(Epoch(loss, dev_accuracy(), time.monotonic() - started))
        say(
            f"{what}: epoch {epoch + 1} of {epochs}: loss {loss:.4f}, dev accuracy {history[-1].dev_accuracy:.4f}, "
            f"{history[-1].seconds:.0f} s"
        )
        state = {"identity": identity, "history": [asdict(e) for e in history]}
        # Best first: killed in between, the epoch is done again and both are rewritten alike.
        if max(range(len(history)), key=lambda i: (i >= first_to_keep, history[i].dev_accuracy, i)) == epoch:
            save_checkpoint(best, model, state)
        save_checkpoint(checkpoint, model, state)
    restore_checkpoint(best, model)
    return history


class _Progress(keras.callbacks.Callback):
    """Moves the bar on by a step."""

    def __init__(self, bar: Any):
        super().__init__()
        self._bar = bar

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            self._bar.unpause()  # until here the graph was traced too, which says nothing of the steps to come
        self._bar.update(1)

"""Whether an exported model still says what the Keras model says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfkd.config import ExportConfig
from tfkd.errors import InputError

MAX_MEAN_PROBABILITY_DIFFERENCE = 0.02


@dataclass(frozen=True)
class Parity:
    """How near two models are over the same texts.

    Attributes:
      rows: texts compared.
      label_agreement: share of the texts with the same most likely class.
      mean_probability_difference: mean over texts and classes of the absolute difference.
      max_probability_difference: the largest such difference.
    """

    rows: int
    label_agreement: float
    mean_probability_difference: float
    max_probability_difference: float


def compare(reference: np.ndarray, exported: np.ndarray) -> Parity:
    """Returns the parity of two models' probabilities, each float [texts, classes].

    Raises:
      ValueError: the shapes differ, or there are no rows.
      InputError: a probability is NaN or infinite.
    """
    if reference.shape != exported.shape or not reference.size:
        raise ValueError(
            f"probabilities of shapes {reference.shape} and {exported.shape}: expected the same, not empty"
        )
    for name, probabilities in (("Keras", reference), ("exported", exported)):
        if not np.isfinite(probabilities).all():
            bad = int((~np.isfinite(probabilities).all(axis=1)).argmax())
            raise InputError(f"the {name} model's probabilities for dev text {bad} are {probabilities[bad]}")
    difference = np.abs(reference.astype(np.float64) - exported)
    return Parity(
        rows=len(reference),
        label_agreement=float((reference.argmax(axis=1) == exported.argmax(axis=1)).mean()),
        mean_probability_difference=float(difference.mean()),
        max_probability_difference=float(difference.max()),
    )


def check(parity: Parity, config: ExportConfig) -> None:
    """Passes an export that may be handed over.

    Args:
      parity: what it came to.
      config: how it was made, and the share of the texts on which labels must agree.

    Raises:
      InputError: labels agree on less, or probabilities differ by more than MAX_MEAN_PROBABILITY_DIFFERENCE on average.
    """
    if parity.label_agreement < config.min_agreement:
        raise InputError(
            f"the exported file gives the Keras model's label for {parity.label_agreement:.2%} of "
            f"{parity.rows} dev texts; at least {config.min_agreement:.2%} expected (--min_agreement); "
            f"nothing was exported: {advice(config)}"
        )
    if parity.mean_probability_difference > MAX_MEAN_PROBABILITY_DIFFERENCE:
        raise InputError(
            f"the exported file's probabilities differ from the Keras model's by "
            f"{parity.mean_probability_difference:.4f} on average; at most {MAX_MEAN_PROBABILITY_DIFFERENCE} expected; "
            f"nothing was exported: {advice(config)}"
        )


def advice(config: ExportConfig) -> str:
    """What brings a file nearer to its Keras model."""
    if cut := config.cut_down_by:
        return f"leave out {' '.join(cut)}"
    if config.quantization != "float32":
        return "try --quantization=float32, or give more dev texts"
    return "nothing of it was rounded: it reads these texts otherwise, as that of a cased BERT does, or is at fault"

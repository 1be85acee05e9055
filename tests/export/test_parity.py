"""The gate's figures, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.parity import Parity, check, compare


def test_parity_by_hand():
    reference = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.0, 1.0]], np.float32)
    exported = np.array([[0.8, 0.2], [0.6, 0.4], [0.5, 0.5], [0.0, 1.0]], np.float32)
    parity = compare(reference, exported)
    assert (parity.rows, parity.label_agreement) == (4, 0.75)
    # |0.1| twice, |0.2| twice, zeros: 0.6 over 8.
    assert parity.mean_probability_difference == pytest.approx(0.075)
    assert parity.max_probability_difference == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("parity", "says"),
    [
        (Parity(1000, 0.995, 0.02, 0.3), None),
        (Parity(1000, 0.9949, 0.0, 0.0), "99.49%"),
        (Parity(1000, 1.0, 0.0201, 0.3), "0.0201"),
    ],
)
def test_the_gate_is_at_the_agreement_asked_for_and_0_02(parity, says):
    if says is None:
        check(parity, ExportConfig(min_agreement=0.995))
    else:
        with pytest.raises(InputError, match=says):
            check(parity, ExportConfig(min_agreement=0.995))


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        (ExportConfig(quantization="int8"), "try --quantization=float32"),
        (
            ExportConfig(quantization="int8", export_table_bits=4, export_rank=9),
            "leave out --export_table_bits=4 --export_rank=9$",
        ),
        (ExportConfig(quantization="float32"), "it reads these texts otherwise"),
    ],
)
def test_the_advice_is_what_may_help(config, advice):
    for parity in (Parity(100, 0.5, 0.0, 0.0), Parity(100, 1.0, 0.5, 0.5)):
        with pytest.raises(InputError, match=f"nothing was exported: .*{advice}"):
            check(parity, config)


def test_nan_is_never_parity():
    good, nan = np.array([[0.5, 0.5]]), np.array([[np.nan, np.nan]])
    for pair in ((good, nan), (nan, good), (nan, nan)):
        with pytest.raises(InputError, match="dev text 0"):
            compare(*pair)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        compare(np.zeros((2, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="shapes"):
        compare(np.zeros((0, 2)), np.zeros((0, 2)))

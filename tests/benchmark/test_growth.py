"""The quickstart's student doesn't grow unseen: instructions and bytes against a file that is committed.

What they come to depends on the recipe and on the export, hardly on what was learnt: random weights serve. If a growth
is meant, write what the test says into the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import pytest

from tfkd.benchmark.arm64 import arm64_emulator
from tfkd.config import ExportConfig, StudentConfig
from tfkd.export.exporter import fitted
from tfkd.export.lowering import lower
from tfkd.files import read_json
from tfkd.models.keras_layers import weights_of
from tfkd.models.student import BiLstmClassifier

RECIPE = Path(__file__).parents[2] / "recipes/quickstart.flags"
BASELINE = Path(__file__).with_name("quickstart_student.json")
GROWTH = 1.05
ROWS = 10
Config = TypeVar("Config")


def of_recipe(kind: type[Config]) -> Config:
    """A group of flags as the recipe has it."""
    lines = [line[2:].partition("=") for line in RECIPE.read_text("utf-8").splitlines() if line.startswith("--")]
    given: dict[str, Any] = {name: value for name, _, value in lines}
    types = {name: type(default) for name, default in vars(kind()).items()}
    return kind(**{name: types[name](value) for name, value in given.items() if name in types})


@pytest.mark.real
def test_the_quickstart_student_has_not_grown(tmp_path):
    student, export = of_recipe(StudentConfig), of_recipe(ExportConfig)
    assert student.vocabulary_size < StudentConfig().vocabulary_size  # the recipe was read
    keras.utils.set_random_seed(0)
    model = BiLstmClassifier(
        student.vocabulary_size,
        num_classes=2,
        embedding_dim=student.embedding_dim,
        hidden_size=student.hidden_size,
        dense_size=student.dense_size,
    )
    shape = (500, export.max_tokens)
    ids = np.random.default_rng(0).integers(1, student.vocabulary_size, shape).astype(np.int32)
    weights, arithmetic = fitted(weights_of(model), ids, export)
    path = tmp_path / "student.tflite"
    path.write_bytes(lower(weights, export.lengths, arithmetic, export.lowering))
    count = arm64_emulator().count(path, [ids[:ROWS, np.newaxis]])
    found = {"instructions": count.inference, "size_bytes": path.stat().st_size}
    baseline = read_json(BASELINE)
    assert all(found[name] <= GROWTH * baseline[name] for name in found), f"{found} instead of {baseline}"

"""The README's Python for exported files."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np

from tests.export.conftest import randomized

README = Path(__file__).parents[2] / "README.md"
SHIPPED = "runs/quickstart/export/student.tflite"


def readme_code(containing: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    (code,) = (block for block in blocks if containing in block)
    return code


def test_the_readmes_python_classifies_with_mediapipe(exported, capsys):
    exec(readme_code(SHIPPED).replace(SHIPPED, str(exported.path)), {})
    assert "category_name=" in capsys.readouterr().out


def test_the_readmes_python_exports_a_keras_model(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(50, 16, mask_zero=True),
            keras.layers.LSTM(16),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    randomized(model, scale=0.3)
    token_ids = np.random.default_rng(0).integers(1, 50, (100, 9))
    exec(readme_code("export_keras_model"), {"model": model, "token_ids": token_ids})
    size, agreement = capsys.readouterr().out.split()
    assert int(size) == (tmp_path / "model.tflite").stat().st_size
    assert float(agreement) >= 0.995

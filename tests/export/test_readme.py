"""The README's Python for the exported file."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
SHIPPED = "runs/quickstart/export/student.tflite"


def test_the_readmes_python_classifies_with_mediapipe(exported, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    assert SHIPPED in code
    exec(code.replace(SHIPPED, str(exported.path)), {})
    assert "category_name=" in capsys.readouterr().out

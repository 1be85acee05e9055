"""The recipes: flags that exist, with values that can be taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.flags"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_taken_up_to_its_data(recipe, tmp_path):
    command = [sys.executable, "-m", "tfkd", "run", f"--flagfile={recipe}", f"--runs={tmp_path}", "--data=nowhere.tsv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tfkd: nowhere.tsv:")
    assert done.stderr.count("\n") == 1

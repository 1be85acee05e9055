"""The recipes: flags that exist, with values that can be taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags

from tests.commands.conftest import forget_flags
from tfkd.commands import run

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.flags"))
# Tang et al. 2019, sections 3.3 and 4.2: what is the same for all three, and made of each sentence and in a batch.
OF_THE_PAPER = {
    "embedding_training": "multichannel", "embedding_dim": 300, "hidden_size": 150, "dense_size": 200,
    "optimizer": "adadelta", "learning_rate": 1.0, "alpha": 0.0, "soft_loss": "mse", "dropout": 0.0,
    "p_mask": 0.1, "p_pos": 0.1, "p_ng": 0.25, "ngram_max": 5, "n_splice": 0,
    "baseline_embedding_training": "multichannel", "tokenizer": "words", "p_unknown": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_taken_up_to_its_data(recipe, tmp_path):
    command = [sys.executable, "-m", "tfkd", "run", f"--flagfile={recipe}", f"--runs={tmp_path}", "--data=nowhere.tsv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tfkd: nowhere.tsv:")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("recipe", "data", "n_iter", "batch_size"),
    [("paper_sst2", "glue/sst2", 20, 50), ("paper_qqp", "glue/qqp", 10, 256), ("paper_mnli", "glue/mnli", 10, 256)],
)
def test_the_papers_settings(recipe, data, n_iter, batch_size):
    forget_flags()
    try:
        run.define_flags()
        flags.FLAGS(["tfkd", f"--flagfile={RECIPES[0].parent / recipe}.flags"])
        config = run.run_config()
    finally:
        forget_flags()
    found = vars(config.augmentation) | vars(config.student) | vars(config.distill)
    assert {name: found[name] for name in OF_THE_PAPER} == OF_THE_PAPER
    assert found["neighbours"] == 0 or recipe == "paper_sst2", "which has no pairs"
    assert (config.data.data, found["n_iter"], found["batch_size"]) == (f"tfds:{data}", n_iter, batch_size)

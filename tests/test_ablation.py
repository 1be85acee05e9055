"""The ablation's variants, its runs with a tiny BERT, and its table."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.commands.conftest import ROOT
from tfkd.config import (
    AugmentationConfig,
    DataConfig,
    DistillConfig,
    ExportConfig,
    LabelConfig,
    StudentConfig,
    TeacherConfig,
)
from tfkd.files import read_json
from tfkd.pipeline.run_config import RunConfig
from tools.ablation import VARIANTS, _in_effect, ablate


@pytest.fixture(scope="module")
def config(tiny_bert: Path, corpus_file: Path) -> RunConfig:
    return RunConfig(
        data=DataConfig(data=str(corpus_file)),
        teacher=TeacherConfig(teacher=str(tiny_bert), teacher_epochs=1, teacher_learning_rate=3e-3),
        augmentation=AugmentationConfig(n_iter=2, n_splice=1, p_ng=0.5),
        label=LabelConfig(label_precision="float32"),
        student=StudentConfig(embedding_dim=8, hidden_size=6, dense_size=5),
        distill=DistillConfig(epochs=2, baseline_epochs=1, batch_size=16, learning_rate=0.01),
        export=ExportConfig(max_tokens=8, quantization="float32"),
        student_seeds=(1, 2),
    )


def test_each_variant_changes_the_recipe_in_a_way_of_its_own(config):
    varied = {variant.name: variant.applied_to(config) for variant in VARIANTS}
    assert len(varied) == len(VARIANTS)
    same = [name for name, variant in varied.items() if variant == config]
    assert same == ["all", "mse", "without_r_drop", "pieces"]
    assert len(set(varied.values())) == len(VARIANTS) - len(same) + 1


def test_a_recipe_of_words_that_are_split_its_own_way_has_all_variants(config):
    of_words = replace(config, student=replace(config.student, tokenizer="words", delimiter_regex=r"\s+"))
    varied = {variant.name: variant.applied_to(of_words).student for variant in VARIANTS}
    assert varied["pieces"] == replace(config.student, tokenizer="pieces")
    assert varied["words"] == of_words.student


def test_variants_by_hand(config):
    by_name = {variant.name: variant.applied_to(config) for variant in VARIANTS}
    pos_alone = AugmentationConfig(n_iter=2, p_mask=0, p_pos=0.1, p_ng=0, n_splice=0, neighbours=0)
    assert by_name["pos"].augmentation == pos_alone
    assert by_name["kl3"].distill == replace(config.distill, soft_loss="kl", temperature=3.0)
    assert by_name["times20"].augmentation.n_iter == 20


def test_variants_that_come_to_the_same(config):
    by_name = {variant.name: variant.applied_to(config) for variant in VARIANTS}
    assert _in_effect(by_name["rules"], pairs=False) == _in_effect(by_name["without_splicing"], pairs=False)
    assert _in_effect(by_name["rules"], pairs=True) != _in_effect(by_name["without_splicing"], pairs=True)


def test_ablation(config, tmp_path, capsys):
    chosen = [variant for variant in VARIANTS if variant.name in ("all", "none", "argmax")]
    # One that is the recipe; one that comes to the same as "none", since these are no pairs: neither is done.
    others = [variant for variant in VARIANTS if variant.name in ("pieces", "neighbours")]
    table = ablate(config, tmp_path, [*chosen, *others])
    said = capsys.readouterr().err
    assert "pieces: comes to the same as all, passed over\n" in said
    assert "neighbours: comes to the same as none, passed over\n" in said
    assert (tmp_path / "ablation.md").read_text() == table + "\n"
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert [line[0] for line in lines[2:]] == ["the teacher", "hard labels alone (Keras)", *(v.what for v in chosen)]
    metrics = {variant.name: read_json(tmp_path / variant.name / "metrics.json") for variant in chosen}
    for variant, line in zip(chosen, lines[4:], strict=True):
        accuracies = [seed["export"]["dev_accuracy"] for seed in metrics[variant.name]["seeds"]]
        mean, deviation = 100 * np.mean(accuracies), 100 * np.std(accuracies, ddof=1)
        assert line[1] == f"{mean:.2f} % (± {deviation:.2f})"
        entropies = [seed["export"]["dev_cross_entropy"] for seed in metrics[variant.name]["seeds"]]
        assert line[2] == f"{np.mean(entropies):.3f} (± {np.std(entropies, ddof=1):.3f})"
        assert line[4] == f"{metrics[variant.name]['rows']['transfer_set']:,}"
    train = metrics["all"]["rows"]["train"]
    assert metrics["none"]["rows"]["transfer_set"] == train < metrics["all"]["rows"]["transfer_set"]
    assert lines[3][4] == f"{train:,}"

    # One teacher; one transfer set for those augmented alike; one baseline.
    assert len(list(tmp_path.rglob("teacher/teacher.json"))) == 1
    assert {path.parent.parent.name for path in tmp_path.glob("*/transfer_set/manifest.json")} == {"all", "none"}
    assert {path.parent.name for path in tmp_path.glob("*/baseline")} == {"all"}
    assert metrics["argmax"]["teacher"] == metrics["all"]["teacher"]

    # Started again nothing is done again, nor counted that was begun with more seeds.
    (tmp_path / "none" / "steps" / "student-seed3.json").write_text('{"started": "abc", "spent": 7.0}')
    capsys.readouterr()
    assert ablate(config, tmp_path, chosen) == table
    assert ": done in " not in capsys.readouterr().err


def test_a_variant_of_another_teacher_fine_tunes_its_own(config, tmp_path):
    chosen = [variant for variant in VARIANTS if variant.name in ("all", "r_drop", "argmax")]
    short = replace(config, student_seeds=(1,), distill=replace(config.distill, epochs=1))
    table = ablate(short, tmp_path, chosen)
    assert {path.parent.parent.name for path in tmp_path.glob("*/teacher/teacher.json")} == {"teacher", "r_drop"}
    assert {path.parent.parent.name for path in tmp_path.glob("*/transfer_set/manifest.json")} == {"all", "r_drop"}
    teachers = {v.name: read_json(tmp_path / v.name / "metrics.json")["teacher"]["dev_accuracy"] for v in chosen}
    assert teachers["all"] == teachers["argmax"]
    own = "" if teachers["r_drop"] == teachers["all"] else f": {100 * teachers['r_drop']:.2f} %"
    assert f"the teacher under R-Drop{own}" in {line.split("|")[1].strip() for line in table.splitlines()}

    # A teacher that was fine-tuned before is taken as it is: there is no other to compare it with.
    given = replace(short, teacher=replace(short.teacher, teacher=str(tmp_path / "teacher" / "teacher")))
    assert "R-Drop" not in ablate(given, tmp_path / "given", chosen[:2])
    assert not list((tmp_path / "given").rglob("teacher.json"))


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--variants=nope,none", "ablation: --variants=nope: expected some of all, none, masking"),
        ("--n_iter=-1", "ablation: --n_iter=-1: expected 0 or more"),
        ("--transfer_set=t", "ablation: --transfer_set=t: an ablation makes transfer sets of its own"),
        ("--logits_from=l", "ablation: --logits_from=l: an ablation makes transfer sets of its own"),
        ("none", "ablation: unexpected argument 'none'; expected flags alone, see --help"),
        ("--nope", "ablation: Unknown command line flag 'nope'"),
    ],
)
def test_flags_that_can_not_be_taken(flag, says):
    command = [sys.executable, "tools/ablation.py", flag]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1


def test_help_names_every_variant():
    command = [sys.executable, "tools/ablation.py", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.startswith("Ablation: what each part of a recipe is worth")
    for variant in VARIANTS:
        assert f"  {variant.name} " in done.stdout
        assert variant.what in done.stdout

"""Ablation: what each part of a recipe is worth, each variant over several students.

    python tools/ablation.py --flagfile=recipes/quickstart.flags --student_seeds=1,2,3

Takes the flags of `tfkd run`, and does a run for each variant below --runs/--name: one teacher for all, and one
transfer set for all variants that are augmented alike. Started again after an interruption it goes on where it was.
The table, in Markdown, is printed and stands in ablation.md there; it is written anew after every variant.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from tfkd.commands import run as run_command
from tfkd.config import TeacherConfig
from tfkd.errors import TfkdError, UsageError
from tfkd.files import read_json, write_text
from tfkd.progress import say
from tfkd.report.markdown import markdown_table

if TYPE_CHECKING:
    from tfkd.pipeline.road import RunConfig

FLAGS = flags.FLAGS


@dataclass(frozen=True)
class Variant:
    """One line of the table.

    Attributes:
      name: of its run folder, and for --variants.
      what: what sets it apart.
      changes: flags other than the recipe's.
      of_pairs: whether it says something of pairs alone.
    """

    name: str
    what: str
    changes: dict[str, Any] = field(default_factory=dict)
    of_pairs: bool = False

    def applied_to(self, config: RunConfig) -> RunConfig:
        """Returns the recipe with this variant's flags, which may be of any of its groups."""
        known = dict(self.changes)
        groups: dict[str, Any] = {}
        for f in dataclasses.fields(config):
            group = getattr(config, f.name)
            if dataclasses.is_dataclass(group) and not isinstance(group, type):
                own = {name: known.pop(name) for name in list(known) if hasattr(group, name)}
                groups[f.name] = dataclasses.replace(group, **own)
        assert not known, f"{self.name}: no such flags: {', '.join(known)}"
        return dataclasses.replace(config, **groups)


_NO_RULE = {"p_mask": 0.0, "p_pos": 0.0, "p_ng": 0.0, "neighbours": 0}

# The first is the recipe itself; the others say what they change of it. Those that change nothing are passed over.
VARIANTS = (
    Variant("all", "the recipe: all rules, logits"),
    Variant("none", "distilled, nothing augmented", {"n_iter": 0, "neighbours": 0}),
    Variant("masking", "masking alone", {**_NO_RULE, "p_mask": 0.1}),
    Variant("pos", "POS-guided replacement alone", {**_NO_RULE, "p_pos": 0.1}),
    Variant("ngrams", "n-grams alone", {"p_mask": 0.0, "p_pos": 0.0, "neighbours": 0}),
    Variant("rules", "the paper's three rules, no pairs of neighbours", {"neighbours": 0}, of_pairs=True),
    Variant("neighbours", "pairs of neighbours alone", {"n_iter": 0}, of_pairs=True),
    Variant("evenly", "as many made of short texts as of long ones", {"n_iter_by_length": False}),
    Variant("by_length", "more made of long texts than of short ones", {"n_iter_by_length": True}),
    Variant("one_teacher", "one teacher alone, the first of those whose logits are averaged", {"teacher_count": 1}),
    Variant("argmax", "the teacher's label instead of its logits", {"soft_loss": "argmax"}),
    Variant("alpha05", "alpha 0.5", {"alpha": 0.5}),
    Variant("alpha1", "alpha 1: hard labels, the teacher's where there is none", {"alpha": 1.0}),
    *(Variant(f"kl{t}", f"KL at temperature {t}", {"soft_loss": "kl", "temperature": float(t)}) for t in (1, 2, 3, 4)),
    Variant("random", "random vectors", {"embeddings": "random", "embedding_training": "free"}),
    Variant("free", "the teacher's vectors as a start alone", {"embedding_training": "free"}),
    Variant(
        "multichannel",
        "a fixed copy of the teacher's vectors and a trained one",
        {"embedding_training": "multichannel"},
    ),
    *(Variant(f"times{n}", f"{n} made of each sentence", {"n_iter": n}) for n in (1, 5, 20)),
)


def main(argv: list[str]) -> None:
    """Does all variants, or those that --variants names."""
    flags.DEFINE_list("variants", [], f"those to do, the recipe itself always: {', '.join(v.name for v in VARIANTS)}")
    run_command.define_flags()
    FLAGS(argv)
    unknown = set(FLAGS.variants) - {variant.name for variant in VARIANTS}
    if unknown:
        raise UsageError(
            f"--variants={','.join(sorted(unknown))}: expected some of {', '.join(v.name for v in VARIANTS)}"
        )
    config, folder = run_command.run_config(), Path(FLAGS.runs) / FLAGS.name
    chosen = [v for i, v in enumerate(VARIANTS) if i == 0 or not FLAGS.variants or v.name in FLAGS.variants]
    ablate(config, folder, chosen)


def ablate(config: RunConfig, folder: Path, variants: list[Variant]) -> str:
    """Does a run for each variant, and returns the table.

    Args:
      config: the recipe.
      folder: where the runs go.
      variants: the recipe itself first. Others that leave it as it is, or are of pairs where it isn't, are passed over.
    """
    from tfkd.pipeline.road import fine_tune, run
    from tfkd.transfer_set.shards import ShardedTable, is_of_pairs

    teacher = dataclasses.replace(config.teacher, teacher=str(fine_tune(config, folder / "teacher")))
    config = dataclasses.replace(config, teacher=teacher)
    recipe, done, table = variants[0], [], ""
    transfer_set = folder / recipe.name / "transfer_set"
    for variant in variants:
        varied = variant.applied_to(config)
        if variant is not recipe and varied == config:
            continue
        if variant.of_pairs and not is_of_pairs(ShardedTable(transfer_set).schema):
            continue
        say(f"\n=== {variant.name}: {variant.what} ===")
        if variant is not recipe:
            # The baseline is the recipe's; so is the transfer set, if it would be the same.
            distill = dataclasses.replace(varied.distill, baseline_epochs=0)
            if varied.teacher.teacher_count < config.teacher.teacher_count:
                varied = dataclasses.replace(varied, teacher=_first_of(varied.teacher))
            same = (varied.augmentation, varied.teacher) == (config.augmentation, config.teacher)
            varied = dataclasses.replace(varied, distill=distill, transfer_set=str(transfer_set) if same else "")
        run(varied, folder / variant.name)
        done.append(variant)
        table = _table_of(folder, done)
        write_text(folder / "ablation.md", table + "\n")
    print(table)
    return table


def _first_of(teacher: TeacherConfig) -> TeacherConfig:
    """Returns the first member of a teacher of several."""
    from tfkd.training.finetune import member_folders

    return dataclasses.replace(teacher, teacher=str(member_folders(teacher.teacher)[0]))


def _table_of(folder: Path, variants: list[Variant]) -> str:
    recipe = read_json(folder / variants[0].name / "metrics.json")
    rows = [
        ("", "dev accuracy of the .tflite", "agrees with the teacher", "rows", "minutes"),
        ("the teacher", f"{100 * recipe['teacher']['dev_accuracy']:.2f} %", "", "", ""),
        ("hard labels alone", _spread(recipe, "baseline.dev_accuracy"), "", f"{recipe['rows']['train']:,}", ""),
    ]
    for variant in variants:
        metrics = read_json(folder / variant.name / "metrics.json")
        steps = [read_json(path) for path in (folder / variant.name / "steps").glob("*.json")]
        rows.append(
            (
                variant.what,
                _spread(metrics, "export.dev_accuracy"),
                _spread(metrics, "student.teacher_agreement"),
                f"{metrics['rows']['transfer_set']:,}",
                f"{sum(step['seconds'] for step in steps) / 60:.0f}",
            )
        )
    return markdown_table(rows)


def _spread(metrics: dict[str, Any], figure: str) -> str:
    """Returns a figure's mean over the seeds, and its deviation."""
    if (mean := metrics["mean"].get(figure)) is None:
        return "-"
    deviation = metrics["std"][figure]
    return f"{100 * mean:.2f} %" + ("" if deviation is None else f" (± {100 * deviation:.2f})")


if __name__ == "__main__":
    try:
        main(sys.argv)
    except (TfkdError, flags.Error) as e:
        sys.exit(f"ablation: {' '.join(str(e).split())}")

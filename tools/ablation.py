"""Ablation: what each part of a recipe is worth, each variant over several students.

    python tools/ablation.py --flagfile=recipes/quickstart.flags --name=ablation --student_seeds=1,2,3

Takes the flags of `tfkd run`, and does a run for each variant below --runs/--name: one teacher for all but those that
are fine-tuned otherwise, and one transfer set for all variants that are augmented alike. Started again after an
interruption it goes on where it was. The table, in Markdown, is printed and stands in ablation.md there; it is written
anew after every variant, and has those of the last call: what was done before takes seconds if it is named again.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from tfkd.commands import run as run_command
from tfkd.commands.flags import refuse_unused
from tfkd.config import TeacherConfig
from tfkd.errors import TfkdError, UsageError
from tfkd.files import read_json, write_text
from tfkd.native_stderr import import_tensorflow
from tfkd.pipeline.run_config import config_in
from tfkd.pipeline.run_folder import RunFolder
from tfkd.pipeline.steps import recorded_step
from tfkd.progress import say
from tfkd.report.markdown import markdown_table
from tfkd.training.model_folders import is_finetuned

if TYPE_CHECKING:
    from tfkd.pipeline.run_config import RunConfig

FLAGS = flags.FLAGS


@dataclass(frozen=True)
class Variant:
    """One line of the table.

    Attributes:
      name: of its run folder, and for --variants.
      what: what sets it apart.
      changes: flags other than the recipe's.
    """

    name: str
    what: str
    changes: dict[str, Any] = field(default_factory=dict)

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


_NOT_OF_THE_PAPER = {"n_splice": 0, "neighbours": 0}
_SHARES_OF_THE_PAPER = {"p_mask": 0.1, "p_pos": 0.1, "p_ng": 0.25, "ngram_max": 5}

# The first is the recipe itself; the others say what they change of it.
VARIANTS = (
    Variant("all", "the recipe: all rules, logits"),
    Variant("none", "distilled, nothing augmented", {"n_iter": 0, **_NOT_OF_THE_PAPER}),
    Variant("masking", "masking alone", {"p_pos": 0.0, "p_ng": 0.0, **_NOT_OF_THE_PAPER}),
    Variant("pos", "POS-guided replacement alone", {"p_mask": 0.0, "p_ng": 0.0, **_NOT_OF_THE_PAPER}),
    Variant("ngrams", "n-grams alone", {"p_mask": 0.0, "p_pos": 0.0, **_NOT_OF_THE_PAPER}),
    Variant("rules", "these three rules", _NOT_OF_THE_PAPER),
    Variant("paper", "these three with the paper's shares", {**_SHARES_OF_THE_PAPER, **_NOT_OF_THE_PAPER}),
    Variant("splicing", "splicing alone", {"n_iter": 0, "neighbours": 0}),
    Variant("neighbours", "pairs of neighbours alone", {"n_iter": 0, "n_splice": 0}),
    Variant("without_splicing", "all but splicing", {"n_splice": 0}),
    Variant("without_neighbours", "all but the pairs of neighbours", {"neighbours": 0}),
    Variant("known", "rare words never read as if they were unknown", {"p_unknown": 0.0}),
    Variant("without_dropout", "no dropout", {"dropout": 0.0}),
    Variant("argmax", "the teacher's label instead of its logits", {"soft_loss": "argmax"}),
    Variant("alpha05", "alpha 0.5", {"alpha": 0.5}),
    Variant("alpha1", "alpha 1: hard labels, the teacher's where there is none", {"alpha": 1.0}),
    Variant("mse", "squared error of the logits", {"soft_loss": "mse"}),
    *(Variant(f"kl{t}", f"KL at temperature {t}", {"soft_loss": "kl", "temperature": float(t)}) for t in (1, 2, 3, 4)),
    Variant("r_drop", "the teacher under R-Drop", {"teacher_r_drop": 2.0}),
    Variant("without_r_drop", "the teacher without R-Drop", {"teacher_r_drop": 0.0}),
    Variant("words", "words instead of word pieces", {"tokenizer": "words"}),
    Variant("pieces", "word pieces instead of words", {"tokenizer": "pieces", "delimiter_regex": ""}),
    Variant("random", "random vectors", {"embeddings": "random", "embedding_training": "free"}),
    Variant("free", "the teacher's vectors as a start alone", {"embedding_training": "free"}),
    Variant(
        "multichannel",
        "a fixed copy of the teacher's vectors and a trained one",
        {"embedding_training": "multichannel"},
    ),
    *(
        Variant(f"times{n}", f"these three rules, {n} made of each", {"n_iter": n, **_NOT_OF_THE_PAPER})
        for n in (1, 5, 20)
    ),
)


def main(argv: list[str]) -> None:
    """Does all variants, or those that --variants names."""
    flags.DEFINE_list("variants", [], "those to do, the recipe itself always; default: all")
    flags.DEFINE_bool("help", False, "show this", short_name="h")
    run_command.define_flags()
    arguments = FLAGS(argv)[1:]
    if FLAGS.help:
        width = max(len(variant.name) for variant in VARIANTS)
        lines = (f"  {variant.name.ljust(width)}  {variant.what}" for variant in VARIANTS)
        print("\n".join([__doc__ or "", f"--variants: {FLAGS['variants'].help}:", *lines]))
        return
    if arguments:
        raise UsageError(f"unexpected argument {arguments[0]!r}; expected flags alone, see --help")
    unknown = set(FLAGS.variants) - {variant.name for variant in VARIANTS}
    if unknown:
        raise UsageError(
            f"--variants={','.join(sorted(unknown))}: expected some of {', '.join(v.name for v in VARIANTS)}"
        )
    refuse_unused(["transfer_set", "logits_from"], "an ablation makes transfer sets of its own")
    import_tensorflow()
    config, folder = run_command.run_config(), Path(FLAGS.runs) / FLAGS.name
    chosen = [v for i, v in enumerate(VARIANTS) if i == 0 or not FLAGS.variants or v.name in FLAGS.variants]
    ablate(config, folder, chosen, FLAGS.update)


def ablate(config: RunConfig, folder: Path, variants: list[Variant], update: bool = False) -> str:
    """Does a run for each variant, and returns the table.

    Args:
      config: the recipe.
      folder: where the runs go.
      variants: the recipe itself first. What comes to the same as one before it is passed over.
      update: lets flags other than those the folder was made with redo what depends on them.
    """
    from tfkd.pipeline.road import fine_tune, run
    from tfkd.transfer_set.shards import ShardedTable, is_of_pairs

    shared = dataclasses.replace(config.teacher, teacher=str(fine_tune(config, folder / "teacher", update)))

    def config_of(variant: Variant) -> RunConfig:
        varied = variant.applied_to(config)
        return dataclasses.replace(varied, teacher=shared) if varied.teacher == config.teacher else varied

    (recipe, of_recipe), *others = [(variant, config_of(variant)) for variant in variants]
    say(f"\n=== {recipe.name}: {recipe.what} ===")
    run(of_recipe, folder / recipe.name, update)
    transfer_set = folder / recipe.name / "transfer_set"
    pairs = is_of_pairs(ShardedTable(transfer_set).schema)
    done = {_in_effect(of_recipe, pairs): recipe}
    for variant, varied in others:
        if (effect := _in_effect(varied, pairs)) in done:
            say(f"{variant.name}: comes to the same as {done[effect].name}, passed over")
            continue
        say(f"\n=== {variant.name}: {variant.what} ===")
        # The baseline is the recipe's; so is the transfer set, if it would be the same.
        distill = dataclasses.replace(varied.distill, baseline_epochs=0)
        same = (varied.augmentation, varied.teacher) == (of_recipe.augmentation, of_recipe.teacher)
        varied = dataclasses.replace(varied, distill=distill, transfer_set=str(transfer_set) if same else "")
        run(varied, folder / variant.name, update)
        done[effect] = variant
        _write_table(folder, done.values())
    table = _write_table(folder, done.values())
    print(table)
    return table


def _in_effect(config: RunConfig, pairs: bool) -> RunConfig:
    """Returns the config without what plays no part: by the kind of texts, the teacher, or its own other flags."""
    augmentation, teacher = config.augmentation, config.teacher
    if not pairs:
        augmentation = dataclasses.replace(augmentation, neighbours=0)
    if is_finetuned(teacher.teacher):
        teacher = TeacherConfig(teacher=teacher.teacher)
    return dataclasses.replace(config, augmentation=augmentation, teacher=teacher)


def _write_table(folder: Path, variants: Collection[Variant]) -> str:
    recipe = read_json(folder / next(iter(variants)).name / "metrics.json")
    teacher = recipe["teacher"]["dev_accuracy"]
    rows = [
        ("", "dev accuracy of the .tflite", "cross-entropy", "agrees with its teacher", "rows", "minutes"),
        ("the teacher", f"{100 * teacher:.2f} %", f"{recipe['teacher']['dev_cross_entropy']:.3f}", "", "", ""),
        (
            "hard labels alone (Keras)",
            _percent(recipe, "baseline.dev_accuracy"),
            _nats(recipe, "baseline.dev_cross_entropy"),
            "",
            f"{recipe['rows']['train']:,}",
            "",
        ),
    ]
    for variant in variants:
        metrics = read_json(folder / variant.name / "metrics.json")
        run = RunFolder(folder / variant.name, config_in(folder / variant.name))
        seconds = sum(recorded_step(run.path, step)["seconds"] for step in run.steps())
        own = metrics["teacher"]["dev_accuracy"]
        rows.append(
            (
                variant.what + ("" if own == teacher else f": {100 * own:.2f} %"),
                _percent(metrics, "export.dev_accuracy"),
                _nats(metrics, "export.dev_cross_entropy"),
                _percent(metrics, "student.teacher_agreement"),
                f"{metrics['rows']['transfer_set']:,}",
                f"{seconds / 60:.0f}",
            )
        )
    table = markdown_table(rows)
    write_text(folder / "ablation.md", table + "\n")
    return table


def _percent(metrics: dict[str, Any], figure: str) -> str:
    """Returns a share's mean over the seeds, and its deviation."""
    mean, deviation = metrics["mean"].get(figure), metrics["std"].get(figure)
    return "-" if mean is None else f"{100 * mean:.2f} %" + ("" if deviation is None else f" (± {100 * deviation:.2f})")


def _nats(metrics: dict[str, Any], figure: str) -> str:
    """Returns a cross-entropy's mean over the seeds, and its deviation."""
    mean, deviation = metrics["mean"].get(figure), metrics["std"].get(figure)
    return "-" if mean is None else f"{mean:.3f}" + ("" if deviation is None else f" (± {deviation:.3f})")


if __name__ == "__main__":
    try:
        main(sys.argv)
    except (TfkdError, flags.Error) as e:
        sys.exit(f"ablation: {' '.join(str(e).split())}")

"""Labels sentences with the teacher's logits, once: the transfer set.

tfkd label --sentences=sentences --teacher=teacher --out=transfer_set
tfkd label --logits_from=other_model.parquet --labels=negative,positive --out=transfer_set
"""

from __future__ import annotations

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, refuse_unused, required, required_folder
from tfkd.commands.run_models import teacher_of
from tfkd.config import LabelConfig
from tfkd.errors import UsageError
from tfkd.native_stderr import import_tensorflow


def define_flags() -> None:
    flags.DEFINE_string("sentences", "", "folder that tfkd augment wrote")
    flags.DEFINE_string("teacher", "", "folder that tfkd finetune wrote, or a run's")
    flags.DEFINE_list("labels", [], "with --logits_from: the labels' names in the order of the logits")
    flags.DEFINE_string("out", "", "folder of the transfer set to write")
    define_flags_of(LabelConfig)


def main(arguments: list[str]) -> None:
    out, config = required("out"), config_of(LabelConfig)
    if config.logits_from and len(FLAGS.labels) < 2:
        raise UsageError("--labels is missing: with --logits_from name the labels in the order of the logits")
    if len(set(FLAGS.labels)) < len(FLAGS.labels):
        raise UsageError(f"--labels={','.join(FLAGS.labels)}: expected each label once")
    if config.logits_from:
        refuse_unused(["sentences", "teacher", "label_precision"], "with --logits_from no teacher is run")
    else:
        refuse_unused(["labels"], "is for --logits_from; the teacher knows its labels")
        refuse_unused(["shard_rows"], "is for --logits_from; the shards are those of --sentences")
    from tfkd.text.examples import check_task, unit_of
    from tfkd.transfer_set.shards import ShardedTable, is_of_pairs

    sentences = None if config.logits_from else ShardedTable(required("sentences"))
    teacher = "" if config.logits_from else required_folder("teacher")
    import_tensorflow()
    from tfkd.training.finetune import load_finetuned
    from tfkd.training.model_folders import warn_of_other_dev
    from tfkd.transfer_set.labelling import import_logits, label_sentences

    if sentences is None:
        transfer_set = import_logits(config.logits_from, tuple(FLAGS.labels), config, out)
    else:
        found = load_finetuned(path := teacher_of(teacher))
        names, pairs = sentences.manifest["label_names"], is_of_pairs(sentences.schema)
        check_task(path, found.label_names, found.pairs, names, pairs)
        if dev := sentences.manifest.get("dev"):  # logits imported by `tfkd label` are for no dev set
            warn_of_other_dev(path, dev)
        transfer_set = label_sentences(sentences, found.teacher, found.fingerprint, config, out)
    print(f"{out}: {transfer_set.rows} {unit_of(is_of_pairs(transfer_set.schema))} in {len(transfer_set)} shards")

"""Trains a student on a transfer set, and keeps its best epoch on dev, or the last if that makes it smaller.

tfkd distill --data=reviews.csv --transfer_set=transfer_set --teacher=teacher --out=student
tfkd distill --data=reviews.csv --baseline --out=baseline
"""

from __future__ import annotations

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, refuse_unused, required
from tfkd.commands.run_models import teacher_of, transfer_set_of
from tfkd.config import DataConfig, DistillConfig, StudentConfig, TeacherConfig
from tfkd.errors import UsageError
from tfkd.native_stderr import import_tensorflow


def define_flags() -> None:
    flags.DEFINE_string("transfer_set", "", "folder that tfkd label wrote, or a run's")
    flags.DEFINE_string("teacher", TeacherConfig().teacher, "BERT whose word vectors the student starts with")
    flags.DEFINE_integer(
        "max_pieces",
        TeacherConfig().max_pieces,
        "words or pieces of a text that the student learns from; of a fine-tuned --teacher as many as it reads",
        lower_bound=1,
    )
    flags.DEFINE_bool("baseline", False, "learn from train's hard labels alone, for --baseline_epochs")
    flags.DEFINE_string("out", "", "folder of the student to write")
    define_seed()
    define_flags_of(DataConfig, StudentConfig, DistillConfig)


def main(arguments: list[str]) -> None:
    out = required("out")
    data, shape, config = config_of(DataConfig), config_of(StudentConfig), config_of(DistillConfig)
    if FLAGS.baseline and not config.baseline_epochs:
        raise UsageError("--baseline_epochs=0: leaves nothing to do with --baseline")
    if FLAGS.baseline:
        refuse_unused(["transfer_set"], "a --baseline learns from train's hard labels alone")
    from tfkd.pipeline.data import read_sentences_to_learn
    from tfkd.transfer_set.shards import ShardedTable, check_transfer_set

    transfer_set = None if FLAGS.baseline else ShardedTable(transfer_set_of(required("transfer_set")))
    corpus = read_sentences_to_learn(data, FLAGS.seed)
    if transfer_set is not None:
        check_transfer_set(transfer_set, corpus)
    import_tensorflow()
    from tfkd.training.distil import distil, train_baseline
    from tfkd.training.model_folders import max_pieces_of
    from tfkd.training.student_setup import check_last_epoch, set_up_student

    epochs = "baseline_epochs" if FLAGS.baseline else "epochs"
    check_last_epoch(shape, **{epochs: getattr(config, epochs)})
    teacher = teacher_of(FLAGS.teacher)
    max_tokens = max_pieces_of(teacher, FLAGS.max_pieces)
    setup = set_up_student(corpus, shape, config, teacher, FLAGS.seed, max_tokens)
    if transfer_set is None:
        student = train_baseline(setup, out, FLAGS.seed)
    else:
        student = distil(transfer_set, setup, out, FLAGS.seed)
    print(f"{out}: dev accuracy {student.dev_accuracy:.4f}")

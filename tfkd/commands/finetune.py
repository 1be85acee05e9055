"""Fine-tunes a pretrained BERT on labelled sentences, and keeps its best epoch on dev.

tfkd finetune --data=reviews.csv --out=teacher
"""

from __future__ import annotations

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import DataConfig, TeacherConfig
from tfkd.native_stderr import import_tensorflow


def define_flags() -> None:
    flags.DEFINE_string("out", "", "folder of the teacher to write")
    define_seed()
    define_flags_of(DataConfig, TeacherConfig)


def main(arguments: list[str]) -> None:
    out, data, teacher = required("out"), config_of(DataConfig), config_of(TeacherConfig)
    from tfkd.pipeline.data import read_sentences_to_learn

    corpus = read_sentences_to_learn(data, FLAGS.seed)
    import_tensorflow()
    from tfkd.training.finetune import finetune

    finetuned = finetune(corpus, teacher, out, FLAGS.seed)
    print(f"{out}: dev accuracy {finetuned.dev_accuracy:.4f}")

"""Makes the sentences that the teacher is to label: train's own, others made of them, and unlabelled ones.

tfkd augment --data=reviews.csv --out=sentences
"""

from __future__ import annotations

from absl import flags

from tfkd.commands.flags import FLAGS, config_of, define_flags_of, define_seed, required
from tfkd.config import AugmentationConfig, DataConfig, LabelConfig


def define_flags() -> None:
    flags.DEFINE_string("out", "", "folder of the sentences to write")
    define_seed()
    define_flags_of(DataConfig, AugmentationConfig)
    flags.DEFINE_integer("shard_rows", LabelConfig().shard_rows, "sentences a shard", lower_bound=1)


def main(arguments: list[str]) -> None:
    out, data, augmentation = required("out"), config_of(DataConfig), config_of(AugmentationConfig)
    from tfkd.pipeline.data import read_sentences_to_learn
    from tfkd.transfer_set.sentences import write_sentences

    corpus = read_sentences_to_learn(data, FLAGS.seed)
    sentences = write_sentences(corpus, augmentation, out, FLAGS.shard_rows, FLAGS.seed)
    print(f"{out}: {sentences.rows} {corpus.unit} in {len(sentences)} shards")

"""A fine-tuned BERT as a .tflite, to be measured against its student: the same texts in, the same labels out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from scipy.special import softmax

from tfkd.config import ExportConfig
from tfkd.errors import InputError
from tfkd.export.exporter import ExportResult, TooLargeError, fault_of, first_that_holds, write_checked
from tfkd.export.metadata import ModelMetadata, with_metadata
from tfkd.models.int8_teacher import converted
from tfkd.models.teacher import Teacher
from tfkd.text.examples import Examples
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES, PieceTokenizer
from tfkd.text.piece_vocabulary import SPECIAL_PIECES, PieceVocabulary


def export_teacher(
    teacher: Teacher,
    label_names: Sequence[str],
    dev: Examples,
    path: str | Path,
    config: ExportConfig,
    name: str = "tfkd teacher",
    description: str = "A BERT fine-tuned for classification.",
) -> ExportResult:
    """Writes a teacher of single texts as a .tflite file, after running that file over dev texts.

    MediaPipe and LiteRT load it as they load a student of word pieces. They split texts by MediaPipe's rule, which
    isn't to the letter the teacher's own: it keeps accents, and the case of letters outside ASCII.

    Args:
      teacher: the model.
      label_names: the name of each class.
      dev: what the file is tried on; its labels are of no matter.
      path: the file to write.
      config: its `max_tokens` (without [CLS] and [SEP]), `quantization`, `max_size` and `min_agreement`; the rest is a
        student's.
      name, description: for the file's metadata.

    Raises:
      InputError: no dev texts are given, or they are pairs; the file gives other labels than the teacher, as that of a
        cased BERT would; it is larger than it may be, or can't be written.
    """
    if config.quantization == "int8":
        raise InputError("--quantization=int8: is for students; a teacher's weights alone are int8 (dynamic_int8)")
    if not len(dev):
        raise InputError("no dev texts to check the export with")
    if dev.text_pairs is not None:
        raise InputError("dev has pairs of texts; a teacher is exported for single texts, as MediaPipe's BERT takes")
    known = list(teacher.tokenizer.get_vocabulary())
    # Students' vocabularies begin with the special pieces; the file translates their ids to the BERT's.
    order = [known.index(piece) for piece in SPECIAL_PIECES]
    order += [i for i, piece in enumerate(known) if piece not in SPECIAL_PIECES]
    tokenizer = PieceTokenizer(PieceVocabulary(tuple(known[i] for i in order)))
    classifier, most = teacher.classifier, teacher.max_pieces - 2
    if config.max_tokens > most:
        raise InputError(
            f"--max_tokens={config.max_tokens}: the teacher reads {most} word pieces; give so many at most"
        )
    of_bert = tf.constant(order, tf.int32)

    def serve(ids: tf.Tensor, mask: tf.Tensor, segment_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        within = tf.gather(of_bert, tf.clip_by_value(ids, 0, len(order) - 1))
        inputs = {"token_ids": within, "segment_ids": segment_ids, "padding_mask": mask}
        return {"probabilities": tf.nn.softmax(classifier(inputs, training=False))}

    signature = [tf.TensorSpec([1, config.max_tokens + 2], tf.int32, name) for name in BERT_INPUT_NAMES]
    metadata = ModelMetadata(name, description, tokenizer, tuple(label_names), config.max_tokens)
    as_long = Teacher(classifier, teacher.tokenizer, config.max_tokens + 2)
    reference = softmax(as_long.logits(as_long.encode(dev.texts)), axis=1)

    def export(config: ExportConfig) -> ExportResult:
        weights = config.quantization.removeprefix("dynamic_")
        content = with_metadata(converted(classifier, serve, signature, weights), metadata)
        return write_checked(content, reference, dev, path, config)

    by_default = ("dynamic_int8", "float16", "float32")
    quantizations = by_default if config.quantization == "auto" else (config.quantization,)
    try:
        return first_that_holds(config, quantizations, export, larger_each=True)
    except TooLargeError as e:
        raise TooLargeError(f"{fault_of(e)}; nothing was exported: dynamic_int8 is as small as a teacher gets") from e

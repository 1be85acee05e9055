"""Which words a BERT knows to be like others."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfkd.models.teacher import Teacher
from tfkd.text.near_words import NearWords
from tfkd.training.finetune import load_word_vector_teacher

# How many are looked for, and how like they must be: what is further away has little to do with a word.
_NEAREST, _LEAST_COSINE = 12, 0.3
_BLOCK_ROWS = 1024


def load_near_words(teacher: str, share: float) -> NearWords:
    """Returns what replaces a share of a text's words by those near to them, as the BERT knows them that a teacher is,
    or was fine-tuned from.

    Raises:
      InputError: it can't be loaded.
    """
    return NearWords(near_words(load_word_vector_teacher(teacher)), share)


def near_words(teacher: Teacher) -> dict[str, tuple[str, ...]]:
    """Returns for each word that is a piece of a BERT those nearest to it, the nearest first; words of letters alone.

    They are told by the cosine of their rows in the table before the encoder, once these are centred.
    """
    pieces = teacher.tokenizer.get_vocabulary()
    rows = [row for row, piece in enumerate(pieces) if piece.isalpha() and len(piece) > 1]
    vectors = np.asarray(teacher.classifier.backbone.token_embedding.embeddings)[rows]
    vectors = vectors - vectors.mean(0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found = {}
    for start in range(0, len(rows), _BLOCK_ROWS):
        cosines = vectors[start : start + _BLOCK_ROWS] @ vectors.T
        nearest = tf.math.top_k(cosines, min(_NEAREST + 1, len(rows))).indices.numpy().tolist()
        for word, (of_word, others) in enumerate(zip(cosines, nearest, strict=True), start):
            near = [other for other in others if other != word and of_word[other] >= _LEAST_COSINE][:_NEAREST]
            if near:
                found[pieces[rows[word]]] = tuple(pieces[rows[other]] for other in near)
    return found

"""Which words are near, against each cosine worked out alone, and of the real MiniLM."""

import numpy as np
import pytest

from tests.conftest import random_teacher
from tfkd.errors import InputError
from tfkd.training.near_words import load_near_words, near_words


@pytest.mark.parametrize("nearest", [2, 12])
def test_near_words_are_those_of_the_largest_cosines(tiny_bert, monkeypatch, nearest):
    monkeypatch.setattr("tfkd.training.near_words._NEAREST", nearest)
    teacher = random_teacher(tiny_bert, num_classes=2, seed=1)
    found = near_words(teacher)
    pieces = teacher.tokenizer.get_vocabulary()
    table = np.asarray(teacher.classifier.backbone.token_embedding.embeddings, np.float64)
    of_words = {p: table[row] for row, p in enumerate(pieces) if p.isalpha() and len(p) > 1}
    assert not any(p.startswith(("[", "##")) for p in of_words)
    mean = np.mean(list(of_words.values()), axis=0)
    for word, vector in of_words.items():
        cosines = {
            other: (vector - mean) @ (v - mean) / np.linalg.norm(vector - mean) / np.linalg.norm(v - mean)
            for other, v in of_words.items()
            if other != word
        }
        by_cosine = sorted(cosines, key=lambda other: -cosines[other])[:nearest]
        assert found.get(word, ()) == tuple(other for other in by_cosine if cosines[other] >= 0.3)
    assert {len(near) for near in found.values()} >= {1, 2}


def test_of_a_teacher_that_is_not_there():
    with pytest.raises(InputError, match="no such folder"):
        load_near_words("./nowhere", 0.5)


@pytest.mark.real
def test_minilm_knows_what_is_like_what():
    near = load_near_words("minilm_l6", 0.5).near
    assert len(near) > 15_000
    assert {"dull", "exciting"} <= set(near["boring"])
    assert near["film"][:2] == ("films", "movie")
    assert all(len(words) <= 12 and word not in words for word, words in near.items())

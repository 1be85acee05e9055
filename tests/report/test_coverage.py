"""Words that a vocabulary of four has and lacks, counted by hand."""

from __future__ import annotations

import pytest

from tfkd.report.coverage import coverage
from tfkd.text.piece_tokenizer import PieceTokenizer
from tfkd.text.piece_vocabulary import PieceVocabulary
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer

WORDS = WordTokenizer(Vocabulary.from_counts({"a": 1, "film": 1, "good": 1}, 100))


def test_words():
    found = coverage(WORDS, 3, [["A good film, a film!", "a dull film", "Dull... dull, odd", ""]])
    assert (found.tokens_are, found.rows) == ("words", 4)
    assert (found.words, found.unknown, found.split, found.rows_with_unknown) == (11, 4, 0, 2)
    assert found.unknown_share == pytest.approx(4 / 11)
    assert found.most_unknown == (("dull", 2), ("Dull", 1), ("odd", 1))
    # Lengths 5, 3, 3, 0.
    assert (found.truncated, found.truncated_share) == (1, 0.25)
    assert (found.median_tokens, found.most_tokens) == (3, 5)


def test_pairs_count_both_texts():
    found = coverage(WORDS, 2, [["a film", "odd"], ["a good film", "odd"]])
    assert (found.words, found.unknown, found.rows_with_unknown, found.truncated) == (7, 2, 1, 1)
    assert found.most_tokens == 3


def test_pieces():
    pieces = PieceTokenizer(PieceVocabulary.from_counts({"film": 2}, max_size=1000, further=["film", "##s", "re"]))
    found = coverage(pieces, 48, [["Films film re", "ﬁlm"]])
    # "films" is film and ##s; the ligature is no piece.
    assert (found.tokens_are, found.words, found.split, found.unknown) == ("pieces", 4, 1, 1)
    assert found.most_unknown == (("ﬁlm", 1),)
    assert found.most_tokens == 4


def test_no_words_at_all():
    found = coverage(WORDS, 3, [["", "..."]])
    assert (found.words, found.unknown_share, found.split_share, found.truncated) == (0, 0, 0, 0)

"""Words that a vocabulary of four has and lacks, counted by hand."""

from __future__ import annotations

import pytest

from tfkd.config import ExportConfig
from tfkd.report.coverage import coverage, length_hint, long_texts
from tfkd.text.piece_tokenizer import PieceTokenizer
from tfkd.text.piece_vocabulary import PieceVocabulary
from tfkd.text.vocabulary import Vocabulary
from tfkd.text.word_tokenizer import WordTokenizer

UNROLLED, LOOPED, SEVERAL = ExportConfig(), ExportConfig(lowering="while"), ExportConfig(shorter_tokens=(8,))
MEDIAPIPE = ExportConfig(runtime="mediapipe")
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


def _texts(*lengths: int) -> list[str]:
    return ["a " * length for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "max_tokens", "config", "expected"),
    [
        # 18 and a tenth are 19.8: 20. Of 26 that is more than three quarters, and of 27 less.
        (
            [5] * 99 + [18],
            48,
            UNROLLED,
            "no dev text has more than 18 of the 48 words that the file reads: --max_tokens=20",
        ),
        ([18], 27, UNROLLED, "no dev text has more than 18 of the 27 words that the file reads: --max_tokens=20"),
        ([18], 26, UNROLLED, ""),
        ([18], 48, LOOPED, ""),
        ([0], 48, UNROLLED, ""),
        # One of 1,000 is long; 18 is what 995 of them have at most.
        ([18] * 999 + [40], 48, UNROLLED, "fewer than 1 in 200 dev texts have more than 18 of the 48 words"),
        # 1 of 20 is no more than 5 %; 2 are, and 60 and a tenth are 66: 68.
        ([10] * 19 + [60], 48, UNROLLED, ""),
        (
            [10] * 18 + [60] * 2,
            48,
            UNROLLED,
            "2 of 20 dev sentences have more than 48 words: --max_tokens=68 would read",
        ),
        ([600], 48, UNROLLED, "1 of 1 dev sentences have more than 48 words: --lowering=while --max_tokens=660"),
        ([600], 48, SEVERAL, "1 of 1 dev sentences have more than 48 words: --lowering=while --max_tokens=660"),
        ([100], 48, SEVERAL, "1 of 1 dev sentences have more than 48 words: --max_tokens=112 would read nearly all"),
        ([600], 48, LOOPED, "1 of 1 dev sentences have more than 48 words: --max_tokens=660 would read nearly all"),
        ([600], 48, MEDIAPIPE, "1 of 1 dev sentences have more than 48 words: --max_tokens=512 would read as much of"),
        ([600], 512, MEDIAPIPE, ""),
        ([110], 48, MEDIAPIPE, "1 of 1 dev sentences have more than 48 words: --max_tokens=124 would read nearly all"),
    ],
)
def test_hint_of_a_length(lengths, max_tokens, config, expected):
    found = length_hint(coverage(WORDS, max_tokens, [_texts(*lengths)]), "sentences", config)
    assert found.startswith(expected)
    assert bool(found) == bool(expected)
    assert ("an unrolled file's time goes with it" in found) == (
        bool(found) and config in (UNROLLED, MEDIAPIPE) and "--lowering=while" not in found
    )
    assert ("learn from --max_pieces" in found) == (max(lengths) == 600 and bool(found))


def test_long_texts_are_said_before_there_is_a_tokenizer():
    sentences = [["a b c", "a b", "a"] * 10, ["a b c d e"] + ["a b"] * 29]
    assert long_texts(sentences[:1], "sentences", max_tokens=3, max_pieces=9) == ""
    assert long_texts(sentences[:1], "sentences", max_tokens=2, max_pieces=9).startswith(
        "10 of 30 dev sentences have more than 2 words, which is all that the file is to read of a text "
        "(--max_tokens); teacher and student learn from 9 (--max_pieces)"
    )
    assert long_texts(sentences, "pairs", max_tokens=3, max_pieces=9) == ""  # one of thirty
    assert long_texts(sentences[1:], "pairs", max_tokens=1, max_pieces=9).startswith("30 of 30 dev pairs have more")

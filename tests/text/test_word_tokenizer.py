"""Words by MediaPipe's rule, against RE2 itself, and their ids."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.text.vocabulary import MASK_ID, UNKNOWN_ID, Vocabulary
from tfkd.text.word_tokenizer import DEFAULT_DELIMITER_REGEX, WordTokenizer, split_words

# Arrow's RE2 knows Unicode 14, as Python 3.11 does: characters assigned later are letters to one and not to the other.
any_text = st.text(st.characters(exclude_categories=["Cs", "Cn"]))
of_unicode_14 = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="this Python knows letters that Arrow doesn't know"
)


def words_by_re2(text: str, regex: str) -> list[str]:
    """MediaPipe's RegexTokenizer in google-re2: `FindAndConsume` on "(regex)", what lies between, no empty pieces."""
    re2 = pytest.importorskip("re2", reason="google-re2 is an extra that isn't installed")
    delimiter = re2.compile(f"({regex})")
    pieces, rest = [], text
    while (match := delimiter.search(rest)) is not None:
        pieces.append(rest[: match.start()])
        rest = rest[match.end() :]
    return [piece for piece in [*pieces, rest] if piece]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It isn't bad, it's GREAT!", ["It", "isn", "t", "bad", "it", "s", "GREAT"]),
        ("  well-made\t\n10/10 ", ["well", "made", "10", "10"]),
        ("a [MASK] film", ["a", "MASK", "film"]),
        ("cafe\u0301 naïve 映画 👍", ["cafe\u0301", "naïve", "映画"]),
        ("don’t", ["don", "t"]),
        ("...", []),
        ("", []),
    ],
)
def test_words_of_a_text(text, words):
    assert split_words([text], DEFAULT_DELIMITER_REGEX).to_pylist() == [words]
    assert words_by_re2(text, DEFAULT_DELIMITER_REGEX) == words


@of_unicode_14
@given(texts=st.lists(any_text, max_size=5))
def test_words_are_those_of_re2(texts):
    expected = [words_by_re2(text, DEFAULT_DELIMITER_REGEX) for text in texts]
    assert split_words(texts, DEFAULT_DELIMITER_REGEX).to_pylist() == expected


@pytest.mark.parametrize("regex", [r"\s+", r" ", r"[ ,]|ab", r"(a)(b)?", r"(?i)x+", r"\pP", r"\bab\b", r"^a| "])
@of_unicode_14
@given(texts=st.lists(st.one_of(any_text, st.text("abxX ,.\n")), max_size=4))
def test_words_by_other_delimiters_are_those_of_re2(regex, texts):
    assert split_words(texts, regex).to_pylist() == [words_by_re2(text, regex) for text in texts]


@given(texts=st.lists(any_text, min_size=1, max_size=5), start=st.integers(0, 4))
def test_slice_of_a_column_gives_the_words_of_its_rows(texts, start):
    found = split_words(pa.array(texts, pa.string())[start:], DEFAULT_DELIMITER_REGEX)
    assert found.to_pylist() == split_words(texts, DEFAULT_DELIMITER_REGEX).to_pylist()[start:]


@pytest.mark.parametrize("regex", ["", " *", "x?", "^", "$", r"\b", r"\B", r" |\b", "(?m)^", "(?m)$| ", r"\A", "( |)"])
def test_delimiter_that_matches_the_empty_string_is_refused(regex):
    with pytest.raises(ValueError, match="matches the empty string"):
        split_words(["a b"], regex)


@pytest.mark.parametrize("regex", ["(", "[a", "(?=a)", r"(a)\1", "*"])
def test_delimiter_that_is_no_re2_is_refused(regex):
    with pytest.raises(ValueError, match="Invalid regular expression"):
        split_words(["a b"], regex)


def tokenizer(regex: str = DEFAULT_DELIMITER_REGEX) -> WordTokenizer:
    return WordTokenizer(Vocabulary.from_counts({"good": 3, "film": 2, "it": 1}, max_size=100), regex)


def test_ids_by_hand():
    # good 3, film 4, it 5
    encoded = tokenizer().encode(["It's a GOOD film", "", "[MASK] Film <PAD>", "..."])
    assert encoded.ids.tolist() == [5, UNKNOWN_ID, UNKNOWN_ID, 3, 4, MASK_ID, 4, UNKNOWN_ID]
    assert encoded.offsets.tolist() == [0, 5, 5, 8, 8]
    assert encoded.lengths.tolist() == [5, 0, 3, 0]
    assert (encoded.ids.dtype, encoded.offsets.dtype, len(encoded)) == (np.int32, np.int64, 4)


def test_mask_marker_is_one_id_where_brackets_are_kept():
    assert tokenizer(r"\s+").encode(["good [MASK] film"]).ids.tolist() == [3, MASK_ID, 4]


def test_no_texts():
    encoded = tokenizer().encode([])
    assert (len(encoded), encoded.ids.tolist(), encoded.padded().shape) == (0, [], (0, 1))


@of_unicode_14
@given(texts=st.lists(st.one_of(any_text, st.text("goodfilm '")), max_size=5))
def test_ids_are_those_of_each_word_alone(texts):
    t = tokenizer()
    encoded = t.encode(texts)
    for i, text in enumerate(texts):
        expected = [t.vocabulary.ids.get(word, UNKNOWN_ID) for word in words_by_re2(text, DEFAULT_DELIMITER_REGEX)]
        assert encoded.ids[encoded.offsets[i] : encoded.offsets[i + 1]].tolist() == expected

"""The vocabulary: several spellings to one id, and back from its file."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.text.vocabulary import MASK_ID, PAD_ID, UNKNOWN_ID, Vocabulary, normalized

# As any delimiter expression may leave them, white space included.
spellings = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
special = st.sampled_from(["<PAD>", "<UNKNOWN>", "<START>", "[MASK]", "MASK", "mask", "Mask", "<start>", "[mask]"])
counts = st.dictionaries(st.one_of(spellings, special), st.integers(1, 9), max_size=12)


def test_ids_follow_the_frequency_of_all_spellings_together():
    # film 2 + 1, cafe 1 + 1 + 1, a 4: a first, then cafe and film by the alphabet.
    vocabulary = Vocabulary.from_counts({"film": 2, "Film": 1, "café": 1, "CAFÉ": 1, "cafe": 1, "a": 4}, max_size=100)
    assert vocabulary.words == ("<PAD>", "<UNKNOWN>", "[MASK]", "a", "cafe", "film")
    assert len(vocabulary) == 6
    assert (PAD_ID, UNKNOWN_ID, MASK_ID) == (0, 1, 2)
    assert {word: vocabulary.ids[word] for word in ("<PAD>", "<UNKNOWN>", "[MASK]", "MASK")} == {
        "<PAD>": 0, "<UNKNOWN>": 1, "[MASK]": 2, "MASK": 2,
    }  # fmt: skip


@pytest.mark.parametrize("spelling", ["film", "Film", "FILM", "café", "Café", "CAFÉ", "cafe", "CAFE", "cafe\u0301"])
def test_case_and_accents_share_an_id(spelling):
    vocabulary = Vocabulary.from_counts({"fiLm": 1, "CAFÉ": 1, "cafe": 1, "cafe\u0301": 1}, max_size=100)
    assert vocabulary.words[vocabulary.ids[spelling]] == ("film" if spelling[0].lower() == "f" else "cafe")


def test_spelling_of_the_corpus_is_known_whatever_its_case():
    vocabulary = Vocabulary.from_counts({"iPhone": 1}, max_size=100)
    assert [vocabulary.ids.get(s) for s in ("iPhone", "iphone", "Iphone", "IPHONE", "IPhone")] == [3, 3, 3, 3, None]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Ångström", "angstrom"), ("İ", "i"), ("naïve", "naive"), ("ΑΘΉΝΑ", "αθηνα"), ("Ё", "е"), ("ﬁ", "ﬁ"), ("ß", "ß")],
)
def test_normalized_is_lower_case_without_accents(word, expected):
    assert normalized(word) == expected


def test_lone_accent_stays_a_word():
    assert normalized("\u0301") == "\u0301"


def test_mask_marker_and_the_word_mask_are_two():
    vocabulary = Vocabulary.from_counts({"mask": 3, "Mask": 1, "MASK": 7, "[MASK]": 9}, max_size=100)
    assert vocabulary.words == ("<PAD>", "<UNKNOWN>", "[MASK]", "mask")
    assert [vocabulary.ids[s] for s in ("mask", "Mask", "MASK", "[MASK]")] == [3, 3, MASK_ID, MASK_ID]
    # The marker's own occurrences count for no word: 4 < 5.
    assert Vocabulary.from_counts({"mask": 3, "Mask": 1, "MASK": 7, "a": 5}, max_size=4).words[3:] == ("a",)


def test_texts_that_hold_the_names_mediapipe_looks_for_do_not_add_them():
    """MediaPipe would write <START> before every text if the vocabulary had it."""
    vocabulary = Vocabulary.from_counts(dict.fromkeys(("<PAD>", "<UNKNOWN>", "<START>", "<start>", "<pad>"), 1), 100)
    assert vocabulary.words == ("<PAD>", "<UNKNOWN>", "[MASK]", "<pad>", "<start>")
    assert "<START>" not in vocabulary.ids
    assert [vocabulary.ids[s] for s in ("<PAD>", "<UNKNOWN>", "<pad>", "<start>")] == [0, 1, 3, 4]


@pytest.mark.parametrize(("max_size", "words"), [(3, ()), (4, ("b",)), (5, ("b", "a")), (9, ("b", "a", "c"))])
def test_size_counts_the_special_ones(max_size, words):
    vocabulary = Vocabulary.from_counts({"a": 2, "A": 1, "b": 4, "c": 1}, max_size)
    assert vocabulary.words[3:] == words
    assert set(vocabulary.ids.values()) == set(range(len(vocabulary)))


def test_words_are_taken_by_the_count_of_all_spellings():
    assert Vocabulary.from_counts({"a": 2, "A": 2, "b": 3}, 4).words[3:] == ("a",)


def test_further_words_fill_up_the_room_in_their_order():
    counts, further = {"b": 1, "a": 1, "c": 1}, ["Zoë", "a", "MASK", "<PAD>", "in two", "ape", "zoe", "cat"]
    vocabulary = Vocabulary.from_counts(counts, 8, further=further)
    assert vocabulary.words[3:] == ("a", "b", "c", "zoe", "ape")
    assert [vocabulary.ids.get(s) for s in ("Zoë", "ZOE", "Ape", "cat")] == [6, 6, 7, None]
    assert Vocabulary.from_counts(counts, 6, further=further).words[3:] == ("a", "b", "c")


def test_keeping_some_words_numbers_them_anew():
    kept = Vocabulary.from_counts({"a": 4, "film": 3, "Café": 2, "zoo": 1}, 100).keeping([0, 1, 2, 4, 5])
    assert kept.words == ("<PAD>", "<UNKNOWN>", "[MASK]", "film", "cafe")
    assert [kept.ids.get(s) for s in ("FILM", "café", "a", "zoo", "[MASK]", "<UNKNOWN>")] == [3, 4, None, None, 2, 1]
    assert Vocabulary.from_lines(kept.to_lines()) == kept


@given(counts=counts, max_size=st.integers(4, 12), further=st.lists(st.one_of(spellings, special), max_size=5))
def test_vocabulary_of_any_words(counts, max_size, further):
    vocabulary = Vocabulary.from_counts(counts, max_size, further=further)
    counts = {**dict.fromkeys(further, 0), **counts}
    assert len(vocabulary) <= max_size
    assert len(set(vocabulary.words)) == len(vocabulary.words)
    assert set(vocabulary.ids.values()) == set(range(len(vocabulary)))
    # A spelling of the corpus has the id of its word, or none.
    for spelling in set(counts) - {"<PAD>", "<UNKNOWN>", "<START>", "[MASK]", "MASK"}:
        base = "".join(c for c in unicodedata.normalize("NFD", spelling.lower()) if unicodedata.category(c) != "Mn")
        if spelling in vocabulary.ids:
            assert vocabulary.words[vocabulary.ids[spelling]] == (base or spelling)


@given(counts=counts)
def test_vocabulary_file_reads_back(counts):
    vocabulary = Vocabulary.from_counts(counts, 100)
    text = "\n".join(vocabulary.to_lines()) + "\n"
    lines = text.encode().decode().splitlines()
    assert all(len(line.split()) == 2 for line in lines)  # MediaPipe's `token id`
    found = Vocabulary.from_lines(lines)
    assert found == vocabulary
    assert list(found.ids) == list(vocabulary.ids)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["<PAD> 0", "film"], "line 2 of the vocabulary is 'film', not 'token id'"),
        (["<PAD> 0", " 1"], "line 2 .*not 'token id'"),
        (["<PAD> 0", "film one"], "line 2 .*not 'token id'"),
        (["<PAD> 0", "film -1"], "line 2 .*not 'token id'"),
        (["<PAD> 0", "<UNKNOWN> 1", "[MASK] 2", "film 4"], "leave a gap"),
        (["<PAD> 0", "<START> 1", "<UNKNOWN> 2", "film 3"], "<UNKNOWN> is 2 in the vocabulary; expected 1"),
        (["film 0", "<UNKNOWN> 1"], "<PAD> is not there in the vocabulary; expected 0"),
    ],
)
def test_file_that_is_no_vocabulary(lines, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_lines(lines)

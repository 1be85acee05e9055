"""Word pieces by hand, against TensorFlow Text's, and what stands in for a piece that is left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.test_word_tokenizer import any_text, of_unicode_14
from tfkd.text.piece_tokenizer import PieceTokenizer, split_at_punctuation
from tfkd.text.piece_vocabulary import SPECIAL_PIECES, PieceVocabulary
from tfkd.text.vocabulary import MASK_ID, PAD_ID, UNKNOWN_ID

FURTHER = ["film", "##mak", "##ing", "##making", "un", "##watch", "##able", "re"]


def vocabulary(**counts: int) -> PieceVocabulary:
    return PieceVocabulary.from_counts(counts, max_size=1000, further=FURTHER)


TOKENIZER = PieceTokenizer(vocabulary(heartwarming=3, a=9))


def pieces(text: str, masked: bool = False, tokenizer: PieceTokenizer = TOKENIZER) -> list[str]:
    return [tokenizer.vocabulary.words[i] for i in tokenizer.encode([text], masked).ids]


# --- words -------------------------------------------------------------------


def test_words_and_signs_by_hand():
    text = "It's NOT-so b\u00e0d\u3001\u6620\u753b \u00c9t\u00e9\u2026\t(10 %)"
    words = [
        "it", "'", "s", "not", "-", "so", "b\u00e0d", "\u3001", "\u6620", "\u753b", "\u00c9t\u00e9", "\u2026",
        "(", "10", "%", ")",
    ]  # fmt: skip
    assert split_at_punctuation([text, "", " "]).to_pylist() == [words, [], []]


def test_the_mask_marker_is_one_word_where_it_is_asked_for():
    assert split_at_punctuation(["a[MASK]b [mask]"], masked=True).to_pylist() == [
        ["a", "[mask]", "b", "[", "mask", "]"]
    ]
    assert split_at_punctuation(["a[MASK]b"]).to_pylist() == [["a", "[", "mask", "]", "b"]]


# --- pieces ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Filmmaking film", ["film", "##making", "film"]),  # the longest piece first
        ("unwatchable", ["un", "##watch", "##able"]),
        ("heartwarming", ["heartwarming"]),  # a word of the corpus is one
        ("heartwarm", ["h", *(f"##{c}" for c in "eartwarm")]),
        ("b2b!", ["b", "##2", "##b", "!"]),
        ("na\u00efve a", ["[UNK]", "a"]),  # as a whole, for one letter
        ("[CLS] ##ing", ["[", "c", "##l", "##s", "]", "#", "#", "i", "##n", "##g"]),
    ],
)
def test_pieces_by_hand(text, read):
    assert pieces(text) == read


def test_masks():
    assert pieces("a [MASK] film", masked=True) == ["a", "[MASK]", "film"]
    assert pieces("a [MASK]") == ["a", "[", "m", "##a", "##s", "##k", "]"]


def test_long_words_are_unknown():
    a = PieceTokenizer(vocabulary(**{"a" * 100: 1, "a" * 101: 1}))
    assert [len(piece) for piece in pieces("a" * 100, tokenizer=a)] == [100]
    assert pieces(f"{'a' * 101} {'b' * 100} {'b' * 101}", tokenizer=a)[:2] == ["[UNK]", "b"]
    assert pieces("b" * 101, tokenizer=a) == ["[UNK]"]


def test_texts_without_words():
    encoded = TOKENIZER.encode(["", "a film", " ", "a"])
    assert encoded.lengths.tolist() == [0, 2, 0, 1]
    assert encoded.ids.dtype == np.int32
    assert len(TOKENIZER.encode([])) == 0


@of_unicode_14
@given(texts=st.lists(st.one_of(any_text, st.text("unwatchblefimkgr -'")), max_size=5))
def test_texts_together_are_read_as_each_alone(texts):
    together = TOKENIZER.encode(texts)
    assert len(together) == len(texts)
    for i, text in enumerate(texts):
        alone = TOKENIZER.encode([text]).ids.tolist()
        assert together.ids[together.offsets[i] : together.offsets[i + 1]].tolist() == alone


@settings(max_examples=50)
@given(text=st.text("unwatchblefimkgr2 .-'"))
def test_pieces_are_those_of_tensorflow_text(text):
    import tensorflow_text

    lookup = list(TOKENIZER.vocabulary.words)
    theirs = tensorflow_text.FastWordpieceTokenizer(vocab=lookup, unknown_token="[UNK]", token_out_type=np.int32)
    assert TOKENIZER.encode([text]).ids.tolist() == theirs.tokenize([text]).flat_values.numpy().tolist()


def test_inputs_of_a_bert():
    ids = TOKENIZER.encode(["a film"]).padded(length=4)[0]
    cls_id, sep_id = (TOKENIZER.vocabulary.ids[piece] for piece in ("[CLS]", "[SEP]"))
    inputs = {name: row.tolist() for name, row in TOKENIZER.bert_inputs(ids).items()}
    a, film = ids[:2].tolist()
    assert inputs == {
        "ids": [cls_id, a, film, sep_id, PAD_ID, PAD_ID],
        "mask": [1, 1, 1, 1, 0, 0],
        "segment_ids": [0] * 6,
    }
    full = TOKENIZER.bert_inputs(TOKENIZER.encode(["a a a a a"]).padded(length=4)[0])
    assert full["ids"].tolist() == [cls_id, a, a, a, a, sep_id]
    assert full["mask"].tolist() == [1] * 6


# --- vocabulary --------------------------------------------------------------


def test_vocabulary_is_of_what_is_indispensable_then_words_then_a_berts():
    counts = {"good": 2, "a": 9, "film": 2, "a\u2028b": 9, "\u0e01" * 34: 9}  # the last of 102 bytes, never read
    further = ["[PAD]", "[unused1]", "[", "##ing", "##s", "good", "\u00e9"]
    found = PieceVocabulary.from_counts(counts, 1000, further=further)
    assert found.words[:5] == SPECIAL_PIECES
    assert [found.ids[piece] for piece in ("[PAD]", "[UNK]", "[MASK]")] == [PAD_ID, UNKNOWN_ID, MASK_ID]
    always = len(found.indispensable)
    assert set(found.words[5:always]) >= {"a", "z", "0", "##a", "##9", "'", "~"}
    assert found.words[always:] == ("film", "good", "##ing", "\u00e9")
    assert len(PieceVocabulary.from_counts(counts, 5)) == always
    assert PieceVocabulary.from_counts(counts, always + 1).words[always:] == ("film",)


def test_vocabulary_file():
    lines = list(TOKENIZER.vocabulary.to_lines())
    assert PieceVocabulary.from_lines(lines) == TOKENIZER.vocabulary
    for broken, says in ((lines[1:], "doesn't begin with"), ([*lines, lines[-1]], "a piece twice")):
        with pytest.raises(ValueError, match=says):
            PieceVocabulary.from_lines(broken)


# --- left out ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("piece", "instead"),
    [
        ("##making", ["##mak", "##ing"]),
        ("film", ["f", "##i", "##l", "##m"]),
        ("heartwarming", ["h", *(f"##{c}" for c in "eartwarm"), "##ing"]),
        ("a", ["[UNK]"]),
        ("##a", ["[UNK]"]),
        ("[MASK]", ["[UNK]"]),
    ],
)
def test_what_is_read_instead_of_a_piece_by_hand(piece, instead):
    i = TOKENIZER.vocabulary.ids[piece]
    found = TOKENIZER.instead
    assert len(found) == len(TOKENIZER.vocabulary)
    read = found.ids[found.offsets[i] : found.offsets[i + 1]]
    assert [TOKENIZER.vocabulary.words[i] for i in read] == instead


def test_without_a_word_it_is_read_as_what_stood_instead():
    kept = [i for i, piece in enumerate(TOKENIZER.vocabulary.words) if piece != "heartwarming"]
    assert pieces("Heartwarming", tokenizer=TOKENIZER.keeping(kept)) == ["h", *(f"##{c}" for c in "eartwarm"), "##ing"]

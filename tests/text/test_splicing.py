"""Spans that take the place of others: by hand with a scripted rng, the shares at a fixed seed, on any text."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.text.test_augmentation import Script, any_text, chi_squared, initial, one_tag, single, within
from tfkd.text.augmentation import TaggedText, tag_text
from tfkd.text.splicing import Splicer

SOURCE = "A slow, sad film (by far)!"
OTHER = "so funny, and so 'fine'"


def spliced(text: str, *draws, others=(), tagger=initial) -> str:
    tagged = tag_text(text, tagger)
    splicer = Splicer([(tag_text(other, tagger),) for other in others], seed=0)
    made = splicer.splice(tagged, Script(*draws))  # type: ignore[arg-type]
    # It can be tagged and spliced again: its words are where it says.
    assert (made.words, made.spans) == (tag_text(made.text, tagger).words, tag_text(made.text, tagger).spans)
    assert made.tags == tag_text(made.text, tagger).tags
    return made.text


def tagged(*texts: str) -> list[tuple[TaggedText]]:
    return [(tag_text(text, initial),) for text in texts]


# --- by hand -----------------------------------------------------------------


def test_span_of_another_text_by_hand():
    # Two words from the second on, "slow, sad", begin and end with s; so do two of the others.
    others = ["spare", "fine", "(stark)"]
    made = [spliced(SOURCE, 2, 1, drawn, others=others) for drawn in (0, 1)]
    assert made == ["A spare film (by far)!", "A stark film (by far)!"]
    # "So far" begins with s and ends with f: of this other text only the whole does.
    assert spliced("So far, so fine.", 2, 0, 0, others=["(short -- & funny)"]) == "short -- & funny, so fine."


def test_first_and_last_word_keep_what_stands_around_them():
    assert spliced(SOURCE, 1, 5, 0, others=["--funny."]) == "A slow, sad film (by funny)!"
    assert spliced("'A' film", 1, 0, 0, others=["all"]) == "'all' film"


def test_longest_span_by_hand():
    # Of six words at most three, of two words both, of 20 words eight: the scripted rng checks each bound.
    words = "a b c d e f g h i j k l m n o p q r s t"
    assert spliced(SOURCE, 3, 0) == SOURCE
    assert spliced("bad film", 2, 0) == "bad film"
    assert spliced(words, 8, 12) == words


def test_without_a_fitting_span_the_text_stays():
    assert spliced(SOURCE, 1, 3, others=["slow", "sad", "a tale"]) == SOURCE


# --- shares at a fixed seed --------------------------------------------------


def test_sentences_come_in_proportion_to_their_words_and_short_ones_never():
    texts = ["a1 a2 a3 a4", "b1 b2 b3 b4 b5 b6 b7 b8", "c1 c2 c3", "..."]
    made = single(Splicer(tagged(*texts), seed=0).generate(1000, seed=3))
    assert len(made) == 4000
    # Tags are the first letters, so that what is made has the words of one source alone.
    sources = Counter(text[0] for text in made)
    assert set(sources) == {"a", "b"}
    assert within(sources["a"], 4000, 4 / 12)


def test_lengths_and_places_of_what_is_replaced():
    # The one span of the other text is "X": what is missing of the source is what it took the place of. Of eight words
    # spans of up to four are replaced.
    source, other = tag_text("a b c d e f g h", one_tag), tag_text("X", one_tag)
    splicer, rng = Splicer([(other,)], seed=0), np.random.default_rng(4)
    made = [splicer.splice(source, rng).text.split() for _ in range(4000)]
    assert all(text.count("X") == 1 for text in made)
    lengths = Counter(8 - len(text) + 1 for text in made)
    assert set(lengths) == {1, 2, 3, 4}
    assert chi_squared([lengths[n] for n in range(1, 5)], [0.25] * 4) < 16.266  # 0.999 quantile, 3 degrees of freedom
    places = Counter(text.index("X") for text in made if len(text) == 5)
    assert set(places) == {0, 1, 2, 3, 4}
    assert all(within(n, lengths[4], 1 / 5) for n in places.values())


def test_half_are_spliced_twice():
    class Counting(Splicer):
        calls = 0

        def splice(self, text, rng):
            self.calls += 1
            return super().splice(text, rng)

    splicer = Counting(tagged(SOURCE), seed=0)
    assert len(list(splicer.generate(4000, seed=6))) == 4000
    assert within(splicer.calls - 4000, 4000, 0.5)


def test_of_pairs_the_first_then_the_second_then_both_are_spliced():
    # Each word's tag is its own, so that spans of a text fit that text alone; all of it is of "a", none of "z".
    row = tuple(tag_text(text, initial) for text in ("a a a a", "z z z z"))
    short = tuple(tag_text(text, initial) for text in ("a", "z z z z z z"))
    made = list(Splicer([row, short], seed=0).generate(3, seed=0))
    assert len(made) == 6
    first, second, both = made[:2], made[2:4], made[4:]
    assert all(b == "z z z z" for _, b in first)
    assert all(a in ("a a a a", "a") for a, _ in second)
    # A text that is too short is not spliced, alone or with another.
    assert all(set(a.split()) == {"a"} and a != "a" for a, _ in [*first, *both])
    assert all(set(b.split()) == {"z"} for _, b in [*second, *both])


# --- seed --------------------------------------------------------------------


def test_seed_fixes_the_sentences():
    texts = tagged(*["the film is far too tame", "a tale of two fine fools", SOURCE] * 5)
    made = [list(Splicer(texts, seed).generate(4, seed)) for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert made[0] != made[2]
    # More of them add sentences and change none.
    assert list(Splicer(texts, 1).generate(5, 1))[: len(made[0])] == made[0]


def test_without_a_text_there_are_none():
    assert list(Splicer([], seed=0).generate(3, seed=0)) == []
    assert list(Splicer(tagged("so it goes", ""), seed=0).generate(3, seed=0)) == []


# --- any text ----------------------------------------------------------------


@given(texts=st.lists(any_text, min_size=1, max_size=5), seed=st.integers(0, 9))
def test_words_are_those_of_the_sources(texts, seed):
    rows = [(tag_text(text, one_tag),) for text in texts]
    known = {word for (text,) in rows for word in text.words}
    splicer, rng = Splicer(rows, seed), np.random.default_rng(seed)
    for (text,) in rows:
        if text.words:
            made = splicer.splice(text, rng)
            assert set(made.words) <= known
            assert len(made.tags) == len(made.spans) >= 1

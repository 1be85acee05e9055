"""The three rules: by hand with a scripted rng, their shares and distributions at a fixed seed, on any text."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfkd.config import AugmentationConfig
from tfkd.text.augmentation import Augmenter, PosUnigrams, TaggedText, pattern_tagger, tag_text
from tfkd.text.examples import Examples

any_text = st.text(st.characters(exclude_categories=["Cs"]))


class Script:
    """A random generator that gives what it was told, and must be asked for all of it."""

    def __init__(self, *draws):
        self.draws = list(draws)

    def random(self, size: int | None = None):
        drawn = self.draws.pop(0)
        assert size is None or size == len(drawn)
        return drawn if size is None else np.array(drawn)

    def integers(self, low: int, high: int) -> int:
        drawn = self.draws.pop(0)
        assert low <= drawn < high, f"{drawn} isn't in [{low}, {high})"
        return drawn


def one_tag(tokens: Sequence[str]) -> list[str]:
    return ["X"] * len(tokens)


def initial(tokens: Sequence[str]) -> list[str]:
    return [token[0].lower() for token in tokens]


def texts_of(*texts: str) -> Examples:
    return Examples.without_labels(list(texts))


pairs_of = Examples.without_labels


def single(made: Iterable[tuple[str, ...]]) -> list[str]:
    """The texts of an augmenter that has one column."""
    return [text for (text,) in made]


SOURCE = "The film isn't (very) well-made, it's bad!"
WORDS = ["The", "film", "isn't", "very", "well-made", "it's", "bad"]


def augmented(text: str, *draws, corpus: Sequence[str] = (), tagger=initial, **config) -> str:
    augmenter = Augmenter(texts_of(text, *corpus), AugmentationConfig(**config), tagger)
    script = Script(*draws)
    made = augmenter.augment(augmenter.rows[0][0], script)  # type: ignore[arg-type]
    assert not script.draws
    return made


# --- the rules by hand -------------------------------------------------------


def test_words_of_a_text_keep_inner_apostrophes_and_hyphens():
    tagged = tag_text(SOURCE, initial)
    assert tagged.words == WORDS
    assert tagged.tags == ("t", "f", "i", "v", "w", "i", "b")
    assert tagged.spans[:2] == ((0, 3), (4, 8))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("'tis -- the rock ’n’ roll_band", ["tis", "the", "rock", "n", "roll", "band"]),
        ("naïve 映画 10/10 don’t", ["naïve", "映画", "10", "10", "don’t"]),
        ("...", []),
        ("", []),
    ],
)
def test_words_of_awkward_texts(text, words):
    assert tag_text(text, one_tag).words == words


def test_masking_by_hand():
    # p_mask = 0.1: X < 0.1 masks, 0.1 itself does not (it replaces, if p_pos allows); 0.25 keeps the whole sentence.
    x = [0.0999, 0.5, 0.0, 0.1, 0.9, 0.2, 0.05]
    assert augmented(SOURCE, x, 0.25, p_pos=0.0) == "[MASK] film [MASK] (very) well-made, it's [MASK]!"


def test_replacement_by_hand():
    # "film" and "bad" are drawn for. Tag f: fat 1, film 2, fun 1, in the alphabet's order: cumulative 1, 3, 4 of 4,
    # so 0.75 is the first quantile of "fun". Tag b: bad 1, big 1: 0.49 is "bad" itself.
    x = [0.9, 0.19, 0.2, 0.9, 0.9, 0.9, 0.1]
    made = augmented(SOURCE, x, 0.75, 0.49, 0.9, corpus=["fat film fun", "big"])
    assert made == "The fun isn't (very) well-made, it's bad!"
    made = augmented(SOURCE, x, 0.0, 0.5, 0.9, corpus=["fat film fun", "big"])
    assert made == "The fat isn't (very) well-made, it's big!"


def test_ngram_by_hand():
    # p_ng = 0.25: 0.2499 cuts to n = 3 words from the fourth on, with what stands between them and nothing outside.
    assert augmented(SOURCE, [0.9] * 7, 0.2499, 3, 3) == "very) well-made, it's"
    assert augmented(SOURCE, [0.9] * 7, 0.0, 1, 6) == "bad"
    assert augmented(SOURCE, [0.9] * 7, 0.0, 5, 0) == "The film isn't (very) well-made"


def test_ngram_of_all_words_is_the_whole_text():
    # Two words: n = 5 comes down to 2, which leaves but one place to begin.
    assert augmented("(so) good!", [0.9, 0.9], 0.0, 5, 0) == "(so) good!"


def test_all_three_by_hand():
    # Words are replaced first, then cut: masks within the n-gram stay.
    x = [0.0, 0.9, 0.05, 0.15, 0.9, 0.9, 0.0]
    assert augmented(SOURCE, x, 0.6, 0.1, 3, 1, corpus=["vile"]) == "film [MASK] (vile"


def test_pos_unigrams_are_of_the_tag_alone():
    unigrams = PosUnigrams([TaggedText("a b a", ((0, 1), (2, 3), (4, 5)), ("D", "N", "D")), tag_text("c", one_tag)])
    assert {unigrams.draw("D", u) for u in np.linspace(0, 1, 50, endpoint=False)} == {"a"}
    assert unigrams.draw("N", 0.999999) == "b"
    assert unigrams.draw("X", np.nextafter(1, 0)) == "c"


# --- shares and distributions at a fixed seed --------------------------------


def within(count: int, n: int, p: float) -> bool:
    """Whether a binomial count is within four standard deviations: 1 of 16,000 would not be."""
    return abs(count - n * p) <= 4 * np.sqrt(n * p * (1 - p))


def chi_squared(counts: Sequence[int], shares: Sequence[float]) -> float:
    n = sum(counts)
    return sum((count - n * p) ** 2 / (n * p) for count, p in zip(counts, shares, strict=True))


# The 0.999 quantile of chi squared by degrees of freedom, from a printed table.
CHI_SQUARED_999 = {3: 16.266, 4: 18.467}


def test_shares_of_masks_and_replacements():
    # Each x becomes one of the tag's 20 words, of which half are "y": a replacement shows half the time.
    texts = ["x x x x x x x x x x", "y y y y y y y y y y"]
    made = single(Augmenter(texts_of(*texts), AugmentationConfig(n_iter=2000, p_ng=0.0), one_tag).generate(seed=5))
    words = Counter(word for text in made[0::2] for word in text.split(" "))
    assert len(made) == 4000
    assert sum(words.values()) == 20_000
    assert within(words["[MASK]"], 20_000, 0.1)
    assert within(words["y"], 20_000, 0.1 * 0.5)


def test_share_length_and_place_of_ngrams():
    source = "a b c d e f g h i j"
    config = AugmentationConfig(n_iter=8000, p_mask=0.0, p_pos=0.0)
    made = single(Augmenter(texts_of(source), config, one_tag).generate(seed=5))
    cut = [text for text in made if text != source]
    assert within(len(cut), 8000, 0.25)
    lengths = Counter(len(text.split()) for text in cut)
    assert set(lengths) == {1, 2, 3, 4, 5}
    assert chi_squared([lengths[n] for n in range(1, 6)], [0.2] * 5) < CHI_SQUARED_999[4]
    # Of six words in a row there would be none; those of five begin at each of six places alike.
    starts = Counter(text[0] for text in cut if len(text.split()) == 5)
    assert set(starts) == set("abcdef")
    assert all(within(n, lengths[5], 1 / 6) for n in starts.values())


def test_replacements_follow_the_unigram_distribution_of_the_tag():
    texts = ["a b b c c c d d d d"]
    config = AugmentationConfig(n_iter=1000, p_mask=0.0, p_pos=1.0, p_ng=0.0)
    made = Counter(
        word for text in single(Augmenter(texts_of(*texts), config, one_tag).generate(seed=2)) for word in text.split()
    )
    assert set(made) == set("abcd")
    assert chi_squared([made[w] for w in "abcd"], [0.1, 0.2, 0.3, 0.4]) < CHI_SQUARED_999[3]


def test_replacement_keeps_the_part_of_speech():
    nouns, verbs = {"dog", "cat", "bird"}, {"runs", "sleeps", "sings"}
    tags = dict.fromkeys(nouns, "N") | dict.fromkeys(verbs, "V")
    config = AugmentationConfig(n_iter=200, p_mask=0.0, p_pos=1.0, p_ng=0.0)
    texts = ["dog runs", "cat sleeps", "bird sings"]
    augmenter = Augmenter(texts_of(*texts), config, lambda ts: [tags[t] for t in ts])
    made = {tuple(text.split()) for text in single(augmenter.generate(seed=0))}
    assert made == {(noun, verb) for noun in nouns for verb in verbs}


# --- pairs -------------------------------------------------------------------


def test_of_pairs_the_first_then_the_second_then_both_are_augmented():
    config = AugmentationConfig(n_iter=5, p_mask=1.0, p_pos=0.0, p_ng=0.0)
    made = Augmenter(pairs_of(["a b", "c"], ["d", "e, f"]), config, one_tag).generate(seed=0)
    turns = [
        [("[MASK] [MASK]", "d"), ("[MASK]", "e, f")],
        [("a b", "[MASK]"), ("c", "[MASK], [MASK]")],
        [("[MASK] [MASK]", "[MASK]"), ("[MASK]", "[MASK], [MASK]")],
    ]
    assert list(made) == [*turns[0], *turns[1], *turns[2], *turns[0], *turns[1]]


def test_words_of_both_texts_replace_each_other():
    config = AugmentationConfig(n_iter=300, p_mask=0.0, p_pos=1.0, p_ng=0.0)
    made = list(Augmenter(pairs_of(["a"], ["b"]), config, one_tag).generate(seed=0))
    assert set(made[0::3]) == {("a", "b"), ("b", "b")}
    assert set(made[2::3]) == {(x, y) for x in "ab" for y in "ab"}


def test_a_text_without_words_is_passed_over_only_when_it_is_its_turn():
    config = AugmentationConfig(n_iter=3, p_mask=1.0, p_pos=0.0, p_ng=0.0)
    made = Augmenter(pairs_of(["a"], ["..."]), config, one_tag).generate(seed=0)
    assert list(made) == [("[MASK]", "...")]


# --- order and seed ----------------------------------------------------------


def test_all_texts_come_once_before_any_comes_again():
    config = AugmentationConfig(n_iter=3, p_mask=0.0, p_pos=0.0, p_ng=0.0)
    made = Augmenter(texts_of("a b", "...", "c"), config, one_tag).generate(seed=0)
    assert list(made) == [("a b",), ("c",)] * 3


def test_seed_fixes_the_sentences():
    examples = texts_of(*["the film is good", "a dull plot, so bad"] * 10)
    config = AugmentationConfig(n_iter=5)
    made = [list(Augmenter(examples, config).generate(seed)) for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert made[0] != made[2]
    # More iterations add sentences and change none.
    assert list(Augmenter(examples, AugmentationConfig(n_iter=6)).generate(1))[: len(made[0])] == made[0]


# --- any text, the real tagger -----------------------------------------------


def test_tagger_gives_penn_tags():
    assert pattern_tagger()(["The", "good", "film", "was", "very", "dull", "."]) == [
        "DT", "JJ", "NN", "VBD", "RB", "JJ", ".",
    ]  # fmt: skip
    assert pattern_tagger()([]) == []


@given(text=any_text, seed=st.integers(0, 9))
def test_what_stands_between_words_stays_as_it_is(text, seed):
    rng = np.random.default_rng(seed)
    kept = Augmenter(texts_of(text), AugmentationConfig(p_mask=0.0, p_pos=0.0, p_ng=0.0))
    assert kept.augment(kept.rows[0][0], rng) == text if kept.rows[0][0].spans else list(kept.generate(seed)) == []
    masked = Augmenter(texts_of(text), AugmentationConfig(p_mask=1.0, p_pos=0.0, p_ng=0.0))
    tagged = masked.rows[0][0]
    if tagged.spans:
        ends = [0, *(end for _, end in tagged.spans)]
        starts = [*(start for start, _ in tagged.spans), len(text)]
        gaps = [text[end:start] for end, start in zip(ends, starts, strict=True)]
        assert not any(c.isalnum() for gap in gaps for c in gap)
        assert masked.augment(tagged, rng) == "[MASK]".join(gaps)


@given(text=any_text, seed=st.integers(0, 9))
def test_ngram_is_a_part_of_the_text(text, seed):
    augmenter = Augmenter(texts_of(text), AugmentationConfig(n_iter=3, p_mask=0.0, p_pos=0.0, p_ng=1.0))
    words = len(augmenter.rows[0][0].spans)
    for made in single(augmenter.generate(seed)):
        assert made in text
        assert len(tag_text(made, one_tag).words) <= min(5, words) or made == text


def test_a_word_is_whole_with_its_marks():
    text = tag_text("मुझे यह फिल्म, cafe\u0301", lambda tokens: ["NN"] * len(tokens))
    assert text.words == ["मुझे", "यह", "फिल्म", "cafe\u0301"]

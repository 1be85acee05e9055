"""Pairs made of pairs: texts that stand in different ones, but are much alike."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors

from tfkd.progress import say
from tfkd.text.examples import Examples

# Of more texts so many are drawn: each is compared with all others.
_MAX_TEXTS = 20_000


def recombined(pairs: Examples, neighbours: int, seed: int) -> Examples:
    """Returns pairs, without labels, of each text and itself, and of each text and those most like it.

    Of more than 20,000 texts so many are drawn, which is said.

    How much two texts are alike is the cosine of their TF-IDF vectors; without a word in common they are no pair.
    Such pairs differ in a word or two, and so tell a student what each word is worth, where texts paired at random
    have nothing to do with each other. Which of the two comes first is drawn. Pairs that stand in `pairs` already
    may be among them, and one pair may come twice, from either side.

    Args:
      pairs: whose texts, first and second ones alike, are paired anew.
      neighbours: how many others each text is paired with at most; 0: none, nor with itself.
      seed: of what is drawn.
    """
    texts = list(dict.fromkeys(text for column in pairs.columns for text in column)) if neighbours else []
    rng = np.random.default_rng([seed, len(texts)])
    if len(texts) > _MAX_TEXTS:
        say(f"augment: {_MAX_TEXTS:,} of {len(texts):,} texts are drawn to be paired with their neighbours")
        texts = [texts[i] for i in np.sort(rng.choice(len(texts), _MAX_TEXTS, replace=False))]
    made = [(i, i) for i in range(len(texts))] + _alike(texts, neighbours)
    swapped = [pair[::-1] if swap else pair for pair, swap in zip(made, rng.random(len(made)) < 0.5, strict=True)]
    return Examples.without_labels([texts[i] for i, _ in swapped], [texts[j] for _, j in swapped])


def _alike(texts: list[str], neighbours: int) -> list[tuple[int, int]]:
    """Returns pairs of places in `texts`: of each text those of its nearest others, the nearest first."""
    try:
        vectors = TfidfVectorizer(token_pattern=r"\w+").fit_transform(texts)
    except ValueError:  # not a word in all of them
        return []
    nearest = NearestNeighbors(n_neighbors=min(neighbours + 1, len(texts)), metric="cosine").fit(vectors)
    distances, found = nearest.kneighbors(vectors)
    return [
        (i, int(j))
        for i in range(len(texts))
        # Texts of the same words are as near to it as it is to itself, and may have taken its place.
        for j, distance in [other for other in zip(found[i], distances[i], strict=True) if other[0] != i][:neighbours]
        if distance < 1
    ]

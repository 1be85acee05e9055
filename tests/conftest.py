"""A two-layer BERT, a small corpus of the same few words, and the switch for real models and data."""

from __future__ import annotations

from pathlib import Path

import pytest

import tfkd  # noqa: F401  (sets TensorFlow's environment before anything imports it)

GOOD, BAD = ("good", "great", "fine", "lovely"), ("bad", "awful", "dull", "poor")
NOUNS = ("film", "plot", "cast", "story", "scene")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real", action="store_true", help="run the tests that use the real MiniLM and ../shared/data")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--real"):
        for item in items:
            if item.get_closest_marker("real"):
                item.add_marker(pytest.mark.skip(reason="needs --real"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a pretrained BERT of two layers, with random weights."""
    import keras
    import keras_hub

    keras.utils.set_random_seed(0)
    words = (*GOOD, *BAD, *NOUNS, "the", "a", "is", "was", "very", "so", "and", "it", ".", ",", "'", "##s")
    tokenizer = keras_hub.tokenizers.BertTokenizer(
        vocabulary=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words], lowercase=True
    )
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(words) + 5,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=64,
    )
    folder = tmp_path_factory.mktemp("tiny_bert")
    keras_hub.models.BertTextClassifier(backbone, num_classes=2).backbone.save_to_preset(str(folder))
    tokenizer.save_to_preset(str(folder))
    return folder


def sentences() -> list[tuple[str, str]]:
    """Returns 160 labelled sentences, each once: an adjective says the label."""
    made = []
    for adjective in GOOD + BAD:
        for noun in NOUNS:
            for frame in ("the {n} is {a}", "a very {a} {n}", "The {n} was so {a}.", "it is {a}, the {n}"):
                made.append((frame.format(n=noun, a=adjective), "positive" if adjective in GOOD else "negative"))
    return made


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a TSV of `sentences`."""
    path = tmp_path_factory.mktemp("corpus") / "sentences.tsv"
    path.write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in sentences()), "utf-8")
    return path

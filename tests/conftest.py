"""A two-layer BERT, a small corpus of the same few words, and the switch for real models and data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import tfkd  # noqa: F401  (sets TensorFlow's environment before anything imports it)

if TYPE_CHECKING:
    from tfkd.models.teacher import Teacher

# How long an example takes says nothing here: the first one may import TensorFlow, and tests run beside each other.
settings.register_profile("tfkd", deadline=None)
settings.load_profile("tfkd")

GOOD, BAD = ("good", "great", "fine", "lovely"), ("bad", "awful", "dull", "poor")
NOUNS = ("film", "plot", "cast", "story", "scene")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real", action="store_true", help="run the tests that use the real MiniLM and ../shared/data")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--real"):
        for item in items:
            if item.get_closest_marker("real"):
                item.add_marker(pytest.mark.skip(reason="needs --real"))


def _write_bert(folder: Path, hidden_dim: int) -> Path:
    """Writes a pretrained BERT of two layers, with random weights."""
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
        hidden_dim=hidden_dim,
        intermediate_dim=2 * hidden_dim,
        max_sequence_length=64,
    )
    keras_hub.models.BertTextClassifier(backbone, num_classes=2).backbone.save_to_preset(str(folder))
    tokenizer.save_to_preset(str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a BERT that trains in seconds."""
    return _write_bert(tmp_path_factory.mktemp("tiny_bert"), hidden_dim=16)


@pytest.fixture(scope="session")
def small_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a BERT whose matrices are large enough for the converter to quantize them."""
    return _write_bert(tmp_path_factory.mktemp("small_bert"), hidden_dim=64)


def random_teacher(bert: Path, num_classes: int, seed: int) -> Teacher:
    """Returns a classifier of random weights, of which int8 loses as little as of a trained one."""
    import numpy as np

    from tfkd.models.teacher import Teacher

    teacher = Teacher.from_preset(bert, max_pieces=16, num_classes=num_classes)
    rng = np.random.default_rng(seed)
    weights = [rng.normal(float("gamma" in w.path), 0.1, w.shape) for w in teacher.classifier.weights]
    teacher.classifier.set_weights(weights)
    return teacher


class Count:
    """A progress bar that only counts."""

    n = 0.0

    def update(self, n: float) -> None:
        self.n += n


def sentences() -> list[tuple[str, str]]:
    """Returns 160 labelled sentences, each once: an adjective says the label."""
    made = []
    for adjective in GOOD + BAD:
        for noun in NOUNS:
            for frame in ("the {n} is {a}", "a very {a} {n}", "The {n} was so {a}.", "it is {a}, the {n}"):
                made.append((frame.format(n=noun, a=adjective), "positive" if adjective in GOOD else "negative"))
    return made


def pairs() -> list[tuple[str, str, str]]:
    """Returns 160 labelled pairs, each once: whether the two adjectives say the same of a thing."""
    made = []
    for i, first in enumerate(GOOD + BAD):
        for j, second in enumerate((GOOD + BAD) * 3):
            if (i + j) % 6 < 5:
                label = "same" if (first in GOOD) == (second in GOOD) else "other"
                made.append((f"the {NOUNS[j % 5]} is {first}", f"a very {second} {NOUNS[(i + j) % 5]}", label))
    return made


@pytest.fixture(scope="session")
def pair_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a TSV of `pairs`."""
    path = tmp_path_factory.mktemp("corpus") / "pairs.tsv"
    path.write_text("sentence1\tsentence2\tlabel\n" + "".join("\t".join(row) + "\n" for row in pairs()), "utf-8")
    return path


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a TSV of `sentences`."""
    path = tmp_path_factory.mktemp("corpus") / "sentences.tsv"
    path.write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in sentences()), "utf-8")
    return path


@pytest.fixture
def tfds_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a TFDS folder with the true features of GLUE and invented split sizes: what mock_data goes by."""
    tfds = pytest.importorskip("tensorflow_datasets", reason="TensorFlow Datasets is an extra that isn't installed")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    for name, splits in {
        "glue/sst2": ("train", "validation", "test"),
        "glue/qqp": ("train", "validation", "test"),
        "glue/ax": ("test",),
        "glue/mnli_matched": ("validation", "test"),
        "glue/mnli": ("train", "validation_matched", "validation_mismatched"),
        "imdb_reviews": ("train", "test"),
    }.items():
        builder = tfds.builder(name, data_dir=tmp_path)
        infos = [tfds.core.SplitInfo(name=split, shard_lengths=[30], num_bytes=0) for split in splits]
        builder.info.set_splits(tfds.core.splits.SplitDict(infos))
        builder.data_path.mkdir(parents=True)
        builder.info.write_to_directory(builder.data_dir)
    return tmp_path

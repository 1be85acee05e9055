"""Fine-tuning the two-layer BERT: killed, repeated, and with teachers that can't be loaded."""

import math
import shutil

import numpy as np
import pytest

from tests.training.small_corpus import KilledError, small_corpus
from tfkd.config import TeacherConfig
from tfkd.errors import InputError
from tfkd.files import read_json, write_json
from tfkd.models.word_vectors import teacher_vectors
from tfkd.training.finetune import finetune, load_finetuned, load_pretrained, load_word_vector_teacher
from tfkd.training.model_folders import facts_of_teacher, is_finetuned

SEED = 3


def config(tiny_bert, **changes) -> TeacherConfig:
    settings = {
        "teacher": str(tiny_bert),
        "teacher_epochs": 4,
        "teacher_batch_size": 16,
        "teacher_learning_rate": 1e-2,
        "max_pieces": 16,
    }
    return TeacherConfig(**{**settings, **changes})


def files_in(folder) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def whole(tiny_bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finetuned") / "teacher"
    return finetune(small_corpus(), config(tiny_bert), folder, SEED), folder


def epochs_of(folder) -> list[tuple[float, float]]:
    return [(e["loss"], e["dev_accuracy"]) for e in read_json(folder / "teacher.json")["epochs"]]


def assert_same_weights(one, other) -> None:
    for a, b in zip(one.teacher.classifier.get_weights(), other.teacher.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_teacher_learns_and_its_dev_accuracy_is_its_own(whole):
    finetuned, folder = whole
    dev = small_corpus().dev
    logits = finetuned.teacher.logits(finetuned.teacher.encode(dev.texts))
    assert finetuned.dev_accuracy == np.mean(logits.argmax(1) == dev.labels)
    assert finetuned.dev_accuracy == max(accuracy for _, accuracy in epochs_of(folder))
    losses = [loss for loss, _ in epochs_of(folder)]
    assert losses[-1] < losses[0]
    assert (finetuned.label_names, finetuned.teacher.max_pieces) == (("neg", "pos"), 16)


def test_texts_that_are_longer_than_it_reads_are_said(tiny_bert, tmp_path, capsys):
    finetune(small_corpus(), config(tiny_bert, max_pieces=4, teacher_epochs=1), tmp_path / "teacher", SEED)
    rows = len(small_corpus().train)
    said = f"teacher: {rows} of {rows} texts have 4 word pieces or more, of which it reads these (--max_pieces)"
    assert said in capsys.readouterr().err


def test_it_reads_no_more_than_its_bert_does(tiny_bert, tmp_path, capsys):
    finetuned = finetune(small_corpus(), config(tiny_bert, max_pieces=1000, teacher_epochs=1), tmp_path / "t", SEED)
    most = finetuned.teacher.classifier.backbone.max_sequence_length
    assert facts_of_teacher(tmp_path / "t")["max_pieces"] == finetuned.teacher.max_pieces == most < 1000
    assert f"teacher: its BERT reads {most} word pieces of a text at most, not 1,000\n" in capsys.readouterr().err


@pytest.mark.parametrize("frozen", [0, 1])
def test_r_drop_brings_the_two_readings_of_a_text_together(tiny_bert, tmp_path, frozen):
    def apart(**changes) -> float:
        """The variance of a teacher's logits of a text under dropout."""
        chosen = config(tiny_bert, teacher_frozen_blocks=frozen, **changes)
        teacher = finetune(small_corpus(), chosen, tmp_path / str(chosen.teacher_r_drop), SEED).teacher
        inputs = teacher.encode(small_corpus().dev.texts).padded(np.arange(len(small_corpus().dev)))
        return float(np.var([teacher.classifier(inputs, training=True) for _ in range(8)], axis=0).mean())

    assert apart(teacher_r_drop=50.0) < apart() / 3
    losses = [loss for loss, _ in epochs_of(tmp_path / "50.0")]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("rows", "wanted", "epochs"), [(600, 0, 10), (2000, 0, 5), (3200, 0, 3), (60_000, 0, 3), (600, 2, 2)]
)
def test_few_sentences_are_gone_through_more_often(rows, wanted, epochs):
    config = TeacherConfig(teacher_epochs=wanted, teacher_batch_size=32)
    assert config.epochs_of(math.ceil(rows / config.teacher_batch_size)) == epochs


def test_a_run_folder_for_a_teacher_is_told_from_its_teacher(whole, tmp_path):
    shutil.copytree(whole[1], tmp_path / "teacher")
    with pytest.raises(InputError, match=r"no weights there \(a fine-tuned teacher is in .*/teacher\); expected"):
        load_pretrained(TeacherConfig(teacher=str(tmp_path)), 2)


def test_folder_holds_no_checkpoint_and_no_optimizer(whole):
    _, folder = whole
    assert is_finetuned(folder)
    assert [p.name for p in folder.parent.iterdir()] == ["teacher"]
    weights = sum(w.size * 4 for w in whole[0].teacher.classifier.get_weights())
    on_disk = sum(p.stat().st_size for p in folder.rglob("*.weights.h5"))
    assert on_disk < 2 * weights + 100_000  # HDF5 has some 2 kB a variable around it


def test_loaded_teacher_is_the_same(whole):
    finetuned, folder = whole
    loaded = load_finetuned(folder)
    assert_same_weights(loaded, finetuned)
    assert (loaded.label_names, loaded.fingerprint, loaded.dev_accuracy) == (
        finetuned.label_names, finetuned.fingerprint, finetuned.dev_accuracy,
    )  # fmt: skip
    texts = small_corpus().dev.texts
    np.testing.assert_array_equal(
        loaded.teacher.logits(loaded.teacher.encode(texts)), finetuned.teacher.logits(finetuned.teacher.encode(texts))
    )


def test_killed_after_its_second_epoch_it_ends_the_same(whole, tiny_bert, tmp_path):
    with pytest.raises(KilledError):
        finetune(small_corpus(dies_after=2), config(tiny_bert), tmp_path / "teacher", SEED)
    assert not (tmp_path / "teacher").exists()
    rest = small_corpus(dies_after=2)  # the epochs that are left to measure
    again = finetune(rest, config(tiny_bert), tmp_path / "teacher", SEED)
    assert rest.dev.labels.lives == 0  # type: ignore[attr-defined]
    assert_same_weights(again, whole[0])
    assert again.fingerprint == whole[0].fingerprint
    assert epochs_of(tmp_path / "teacher") == epochs_of(whole[1])
    assert [p.name for p in tmp_path.iterdir()] == ["teacher"]


def test_checkpoint_of_other_flags_is_started_over_and_same_seed_gives_same_bytes(whole, tiny_bert, tmp_path):
    with pytest.raises(KilledError):
        finetune(small_corpus(dies_after=1), config(tiny_bert, teacher_learning_rate=1e-3), tmp_path / "teacher", SEED)
    again = finetune(small_corpus(), config(tiny_bert), tmp_path / "teacher", SEED)
    assert_same_weights(again, whole[0])
    assert again.fingerprint == whole[0].fingerprint
    assert epochs_of(tmp_path / "teacher") == epochs_of(whole[1])


# --- teachers that can't be loaded -------------------------------------------


def refused(teacher, tmp_path, message: str) -> None:
    with pytest.raises(InputError, match=message) as e:
        finetune(small_corpus(), TeacherConfig(teacher=str(teacher)), tmp_path / "teacher", SEED)
    assert "\n" not in str(e.value)
    assert not (tmp_path / "teacher").exists()


def test_folder_that_lacks_something(tiny_bert, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path, "empty: no weights there; expected model.safetensors")
    shutil.copytree(tiny_bert, tmp_path / "bert")
    (tmp_path / "bert" / "config.json").unlink()
    refused(tmp_path / "bert", tmp_path, "bert: no config.json there")


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json", "tokenizer.json"])
def test_damaged_folder(tiny_bert, tmp_path, name):
    shutil.copytree(tiny_bert, tmp_path / "bert")
    (tmp_path / "bert" / name).write_bytes(b"{}")
    refused(tmp_path / "bert", tmp_path, "can't be loaded as a BERT")


def test_no_such_folder(tmp_path):
    refused(tmp_path / "none", tmp_path, "none: no such folder")
    refused("./none", tmp_path, "--teacher=./none: no such folder")


@pytest.mark.parametrize("name", ["bert_tiny_en_uncased", "no_such_preset"])
def test_preset_without_a_network(name, tmp_path, monkeypatch):
    for variable in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # where nothing listens
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    refused(name, tmp_path, f"--teacher={name}: can't be loaded as a BERT .*without a network take an asset")


def test_folder_that_is_no_finetuned_teacher_or_a_changed_one(whole, tiny_bert, tmp_path):
    with pytest.raises(InputError, match=r"no fine-tuned teacher \(teacher.json is missing\)"):
        load_finetuned(tiny_bert)
    copy = shutil.copytree(whole[1], tmp_path / "teacher")
    weights = next(copy.rglob("*.weights.h5"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"the weights aren't those that teacher\.json names"):
        load_finetuned(copy)
    weights.unlink()
    with pytest.raises(InputError, match="fine-tune again"):
        load_finetuned(copy)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("teacher.json", "{}", r"teacher\.json: has no pretrained, label_names, .*; fine-tune again"),
        ("teacher.json", "[]", r"teacher\.json: holds list, expected an object"),
        ("config.json", "{}", r"the teacher can't be loaded \(.*\); fine-tune again"),
    ],
)
def test_a_damaged_teacher_is_one_line(whole, tmp_path, file, content, says):
    copy = shutil.copytree(whole[1], tmp_path / "teacher")
    (copy / file).write_text(content)
    with pytest.raises(InputError, match=says):
        load_finetuned(copy)


def test_word_vectors_are_of_the_pretrained_bert_whether_it_was_fine_tuned_before_or_not(whole, tiny_bert):
    words = ["good", "films"]
    of_finetuned = teacher_vectors(words, load_word_vector_teacher(str(whole[1])))
    np.testing.assert_array_equal(of_finetuned, teacher_vectors(words, load_word_vector_teacher(str(tiny_bert))))
    assert np.abs(of_finetuned - teacher_vectors(words, whole[0].teacher)).max() > 1e-3


def test_word_vectors_of_a_finetuned_teacher_whose_pretrained_bert_has_gone_are_its_own(whole, tmp_path, capsys):
    folder = shutil.copytree(whole[1], tmp_path / "teacher")
    write_json(folder / "teacher.json", read_json(folder / "teacher.json") | {"pretrained": "./gone"})
    own = teacher_vectors(["good", "films"], load_word_vector_teacher(str(folder)))
    np.testing.assert_array_equal(own, teacher_vectors(["good", "films"], whole[0].teacher))
    assert "fine-tuned from isn't there: --teacher=./gone: no such folder" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"--teacher=\./gone: no such folder"):
        load_word_vector_teacher("./gone")

"""What a student starts with: the words or pieces of a corpus, and their vectors."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfkd.config import DistillConfig, StudentConfig, TeacherConfig
from tfkd.errors import InputError, UsageError
from tfkd.models.teacher import Teacher
from tfkd.models.word_vectors import random_vectors, randomize_rows, teacher_vectors, vocabulary_vectors
from tfkd.progress import progress_bar, say
from tfkd.text.examples import Corpus
from tfkd.text.piece_tokenizer import PieceTokenizer, split_at_punctuation
from tfkd.text.piece_vocabulary import PieceVocabulary
from tfkd.text.tokenizer import Tokenizer, TokenVocabulary
from tfkd.text.vector_files import read_vectors
from tfkd.text.vocabulary import Vocabulary, normalized
from tfkd.text.word_tokenizer import DEFAULT_DELIMITER_REGEX, WordTokenizer, split_words
from tfkd.training.finetune import load_word_vector_teacher

# A piece of a BERT's vocabulary that is a word: of letters, and neither a single one nor the rest of a word ("##ing").
_WORD_PIECE = re.compile(r"[^\W\d_]{2,}")
_TEXTS_AT_ONCE = 100_000


@dataclass(frozen=True)
class StudentSetup:
    """What the students of a task have in common: all but the seed, and the rows they learn from.

    Attributes:
      corpus: its dev set is what epochs are chosen by.
      tokenizer: the student's words or pieces.
      rare: bool [vocabulary], tokens that are now and then read as if they were unknown (see `rare_tokens`).
      too_rare: bool [vocabulary], tokens that the student isn't to keep (see `too_rare_tokens`).
      word_vectors: float32 [vocabulary, embedding_dim or more], what the embeddings start with.
      embedding_training: what becomes of these in training (see StudentConfig).
      student: the student's shape.
      distill: how it learns.
      max_tokens: tokens of a text that it learns from: as many as the teacher reads.
    """

    corpus: Corpus
    tokenizer: Tokenizer
    rare: np.ndarray
    too_rare: np.ndarray
    word_vectors: np.ndarray
    embedding_training: str
    student: StudentConfig
    distill: DistillConfig
    max_tokens: int

    def for_baseline(self) -> StudentSetup:
        """Returns the start of the same student on hard labels.

        Unless its words keep to the word vectors too, they are the corpus' alone, no more than the distilled
        student keeps, and start with the same vectors. Word pieces it has all that the distilled student has: without
        them it couldn't read a word that the corpus lacks.
        """
        if self.distill.baseline_embedding_training == "projected":
            return replace(self, embedding_training="projected")
        known = len(self.tokenizer.vocabulary)
        if self.student.tokenizer == WordTokenizer.name:
            known = min(len(build_tokenizer(self.corpus, self.student).vocabulary), self.student.vocabulary_size)
        return replace(
            self,
            tokenizer=self.tokenizer.keeping(range(known)),
            rare=self.rare[:known],
            too_rare=self.too_rare[:known],
            word_vectors=self.word_vectors[:known, : self.student.embedding_dim],
            embedding_training=self.distill.baseline_embedding_training,
        )


def check_last_epoch(student: StudentConfig, **epochs: int) -> None:
    """Passes what a student is held to in the last epoch if there is one before it.

    Args:
      student: its shape.
      epochs: the number of them, by the flag that says it.

    Raises:
      UsageError: there is one alone.
    """
    held = f"--rank={student.rank}" if student.rank else f"--table_bits={student.table_bits}"
    for flag, number in epochs.items():
        if student.is_held and number == 1:
            raise UsageError(f"{held}: the last epoch is for it; expected --{flag}=2 or more")


def set_up_student(
    corpus: Corpus,
    student: StudentConfig,
    distill: DistillConfig,
    teacher: str,
    seed: int,
    max_tokens: int = TeacherConfig().max_pieces,
) -> StudentSetup:
    """Collects the tokens of a corpus, and their vectors.

    The pieces of the teacher of this name are among them if the student reads pieces, its words if it reads words and
    they keep to the teacher's vectors. Of each text `max_tokens` are learnt from.

    Raises:
      InputError: the delimiter expression can't be used, or the teacher or the file of vectors can't be loaded.
    """
    width = student.embedding_dim
    keeps_to_teacher = student.embeddings == "teacher" and student.embedding_training == "projected"
    takes_pieces = keeps_to_teacher or student.tokenizer == PieceTokenizer.name
    # A teacher of which no more than the pieces is wanted isn't kept.
    load = _teacher if student.embeddings == "teacher" else load_word_vector_teacher
    pieces = load(teacher).tokenizer.get_vocabulary() if takes_pieces else ()
    tokenizer = build_tokenizer(corpus, student, pieces)
    if student.embeddings == "random":
        vectors = random_vectors(len(tokenizer.vocabulary), width, seed)
    else:
        if student.embeddings == "teacher":
            known = _teacher_vectors(teacher, tuple(tokenizer.vocabulary.words))
        else:
            known = _file_vectors(student.embeddings.removeprefix("file:"), tokenizer.vocabulary, seed)
        if (own := known.shape[1]) < width:
            say(
                f"embeddings: vectors of {own} numbers; {width - own} of the {width} columns start at zero, and those "
                f"of a fixed copy stay so; --embedding_dim={own} leaves none"
            )
        vectors = vocabulary_vectors(known, width, overwrite=student.embeddings != "teacher")  # whose are kept
    rare = rare_tokens(corpus, tokenizer, pieces)
    too_rare = too_rare_tokens(corpus, tokenizer, pieces, student.min_count)
    training = student.embedding_training
    return StudentSetup(corpus, tokenizer, rare, too_rare, vectors, training, student, distill, max_tokens)


# Several students of one process mostly start with the same words of the same teacher: half a minute each.
@functools.lru_cache(maxsize=1)
def _teacher(name: str) -> Teacher:
    return load_word_vector_teacher(name)


@functools.lru_cache(maxsize=1)
def _teacher_vectors(name: str, words: tuple[str, ...]) -> np.ndarray:
    with progress_bar(len(words), "word vectors", "words") as bar:
        return teacher_vectors(words, _teacher(name), bar)


def _file_vectors(path: str, vocabulary: TokenVocabulary, seed: int) -> np.ndarray:
    read = read_vectors(path, vocabulary)
    for note in read.notes:
        say(f"embeddings: {note}")
    randomize_rows(read.vectors, ~read.found, seed)
    return read.vectors


def delimiter_of(config: StudentConfig) -> str:
    """Returns the expression that separates words.

    Raises:
      InputError: it can't be used.
    """
    regex = config.delimiter_regex or DEFAULT_DELIMITER_REGEX
    try:
        split_words([""], regex)
    except (ValueError, pa.ArrowException) as e:
        raise InputError(f"--delimiter_regex={regex}: {e}") from e
    return regex


def build_tokenizer(corpus: Corpus, config: StudentConfig, pieces: Sequence[str] = ()) -> Tokenizer:
    """Returns the tokenizer of the words of train and of the unlabelled texts, and of a BERT's pieces.

    Args:
      corpus: its words come first, the most frequent ones of them.
      config: of what kind, how many, and what separates them.
      pieces: a BERT's vocabulary, which fills up the student's in its order, which is that of frequency; a student of
        words takes the words among them.

    Raises:
      InputError: the delimiter expression can't be used.
    """
    texts = list(itertools.chain(*corpus.train.columns, *corpus.unlabelled.columns))
    size = config.training_vocabulary_size
    if config.tokenizer == PieceTokenizer.name:
        counts = _counts(texts, split_at_punctuation)
        return PieceTokenizer(PieceVocabulary.from_counts(counts, size, pieces))
    regex = delimiter_of(config)
    counts = _counts(texts, lambda some: split_words(some, regex))
    candidates = [piece for piece in pieces if _WORD_PIECE.fullmatch(piece)]
    as_words = split_words(candidates, regex).to_pylist()
    further = [piece for piece, words_of_it in zip(candidates, as_words, strict=True) if words_of_it == [piece]]
    return WordTokenizer(Vocabulary.from_counts(counts, size, further), regex)


def rare_tokens(corpus: Corpus, tokenizer: Tokenizer, pieces: Sequence[str] = ()) -> np.ndarray:
    """Returns which tokens train has once, bool [vocabulary]: an unknown word of tomorrow is most like these.

    Args:
      corpus: the texts.
      tokenizer: the student's.
      pieces: the teacher's. To a student of pieces these are never unknown, so that they aren't rare.
    """
    rare = _token_counts(corpus.train.columns, tokenizer) == 1
    if tokenizer.name == PieceTokenizer.name:
        rare &= ~_known_to_bert(tokenizer, pieces)
    return rare


def too_rare_tokens(corpus: Corpus, tokenizer: Tokenizer, pieces: Sequence[str], min_count: int) -> np.ndarray:
    """Returns which tokens of train and of the unlabelled texts these have less often, bool [vocabulary].

    Args:
      corpus: the texts.
      tokenizer: the student's.
      pieces: the teacher's, which are never too rare.
      min_count: how often is often enough.
    """
    if min_count == 1:
        return np.zeros(len(tokenizer.vocabulary), bool)
    counts = _token_counts([*corpus.train.columns, *corpus.unlabelled.columns], tokenizer)
    too_rare = (counts < min_count) & ~_known_to_bert(tokenizer, pieces)
    too_rare[tokenizer.vocabulary.indispensable] = False
    return too_rare


def _known_to_bert(tokenizer: Tokenizer, pieces: Sequence[str]) -> np.ndarray:
    """Returns which tokens are among a BERT's pieces, bool [vocabulary]; words are, however they are spelt."""
    spelt = pieces if tokenizer.name == PieceTokenizer.name else map(normalized, pieces)
    return np.isin(tokenizer.vocabulary.words, list(spelt))


def _token_counts(columns: Sequence[Sequence[str]], tokenizer: Tokenizer) -> np.ndarray:
    """Returns how often texts have each token, int [vocabulary]."""
    size = len(tokenizer.vocabulary)
    counts = np.zeros(size, np.int64)
    for some in itertools.chain.from_iterable(map(_slices, columns)):
        counts += tokenizer.encode(some).counts(size)
    return counts


def _counts(texts: Sequence[str], split: Callable[[Sequence[str]], pa.ListArray]) -> Counter[str]:
    """Returns how often texts have each word."""
    counts: Counter[str] = Counter()
    for some in _slices(texts):
        counts.update({v["values"]: v["counts"] for v in pc.value_counts(split(some).flatten()).to_pylist()})
    return counts


def _slices(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yields texts some at a time: an array of Arrow's holds 2 GiB of them."""
    return (texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE))

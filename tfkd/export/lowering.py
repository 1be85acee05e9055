"""A student as one straight-line graph: stateless, of fixed length, its weights constants.

Keras' own conversion of an LSTM is a WHILE loop of several subgraphs, which MediaPipe takes for another kind of
model; TensorFlow's fused LSTM has variable tensors, which LiteRT's CompiledModel refuses. Unrolled over time, all
three runtimes take it. What is done once for all steps is done first: the input projection, a product of two
matrices. What is left to each step is done for both directions together, all but the product of the state, which has
other weights in each.

No step asks whether it is on padding. Both directions meet a text's padding *before* its words: the backward one by
its nature, the forward one since the ids are rotated until the text ends at the last step. And there padding changes
nothing: its row of the table is zero and the candidate's bias is part of the table, so that a candidate of zero meets
a cell of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tfkd.export.arithmetic import Reals
from tfkd.export.graph import Graph, Model, Tensor
from tfkd.export.student_weights import StudentWeights
from tfkd.text.encoded_texts import INPUT_NAMES
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES
from tfkd.text.vocabulary import PAD_ID

SIGNATURE = "serving_default"


def lower(
    weights: StudentWeights, max_tokens: int, arithmetic: Callable[[Graph], Reals], like_bert: bool = False
) -> bytes:
    """Returns a .tflite, without metadata, that gives the student's probabilities for one text, or one pair.

    Its signature takes `token_ids`, int32 [1, max_tokens], PAD_ID after the text's end, and for pairs
    `pair_token_ids`, of the same shape, to `probabilities`, float32 [1, num_classes].
    `like_bert` it takes what BERT takes of one text instead: `ids`, `mask` and `segment_ids`, int32
    [1, max_tokens + 2] each. It passes over [CLS], [SEP] and the segments.
    An id out of range reads the nearest row of the table (a negative one is padding): a benchmark that feeds noise
    must not read foreign memory.

    Args:
      weights: the student's.
      max_tokens: tokens read of a text.
      arithmetic: makes what the graph computes with.
      like_bert: as above; only of single texts.
    """
    assert not (like_bert and weights.pairs), "MediaPipe's BERT takes single texts"
    model = Model()
    graph = Graph(model)
    names = BERT_INPUT_NAMES if like_bert else INPUT_NAMES[: 1 + weights.pairs]
    inputs = [graph.input(name, (1, max_tokens + 2 if like_bert else max_tokens)) for name in names]
    texts = (
        [between_cls_and_sep(graph, *inputs)] if like_bert else [graph.reshape(ids, (max_tokens,)) for ids in inputs]
    )
    last_row = len(weights.embedding) - 1
    texts = [graph.minimum(graph.maximum(ids, graph.constant([PAD_ID])), graph.constant([last_row])) for ids in texts]
    numbers = arithmetic(graph)
    features = _features(graph, numbers, weights, texts)
    hidden = numbers.dense(features, weights.hidden_kernel, weights.hidden_bias, relu=True)
    logits = numbers.dense(hidden, weights.logits_kernel, weights.logits_bias)
    model.add(graph, SIGNATURE, {"probabilities": graph.softmax(logits)})
    return model.to_bytes()


def between_cls_and_sep(graph: Graph, ids: Tensor, mask: Tensor, segment_ids: Tensor) -> Tensor:
    """Returns the ids of a text's tokens, int32 [tokens], zeros after its end, of BERT's inputs [1, tokens + 2] each.

    A token is followed by another or by [SEP], which stands last under the mask.
    """
    tokens = ids.shape[1] - 2
    here = graph.cast(graph.not_equal(graph.slice(mask, (0, 2), (1, tokens)), graph.constant([0])), np.int32)
    return graph.reshape(graph.mul(graph.slice(ids, (0, 1), (1, tokens)), here), (tokens,))


def _features(graph: Graph, numbers: Reals, weights: StudentWeights, texts: Sequence[Tensor]) -> Tensor:
    """What the ReLU layer takes, float32 [1, width]: the last states of both directions, of pairs their features."""
    tokens, hidden_size = texts[0].shape[0], weights.hidden_size
    table, kernels, biases = _with_candidate_bias(weights)
    rotated = [[_words_last(graph, ids) for ids in texts], [_reversed(graph, ids) for ids in texts]]
    shares = []
    for ids, kernel, bias in zip(rotated, kernels, biases, strict=True):
        # Step by step; within a step text by text.
        by_step = graph.reshape(graph.concat([graph.reshape(i, (tokens, 1)) for i in ids], 1), (tokens * len(ids),))
        share = numbers.projected(numbers.words(table, by_step), kernel, bias)
        shares.append(graph.reshape(share, (tokens, len(ids) * 4 * hidden_size)))
    rows = len(shares) * len(texts)
    steps = graph.split(graph.reshape(graph.concat(shares, 1), (tokens * rows, 4 * hidden_size)), tokens, 0)

    state, cell = None, None
    for projected in steps:
        recurrent = None
        if state is not None:
            states = zip(graph.split(state, 2, 0), weights.directions, strict=True)
            recurrent = graph.concat([numbers.recurrent(s, lstm.projection, lstm.recurrent) for s, lstm in states], 0)
        state, cell = numbers.step(numbers.gates(projected, recurrent), cell)
    assert state is not None

    last = graph.split(numbers.real(state), rows, 0)  # of each direction, of each text
    read = [graph.concat(last[text :: len(texts)], 1) for text in range(len(texts))]
    if len(read) == 1:
        return read[0]
    first, second = read
    # tfkd.models.student.siamese_features
    return graph.concat([first, second, graph.mul(first, second), graph.abs(graph.sub(first, second))], 1)


def _with_candidate_bias(weights: StudentWeights) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """The table, and each direction's kernel and bias, with the candidate's bias moved from the bias to the table.

    It becomes one more column of the table, which all words have and padding hasn't.
    """
    column = np.full((len(weights.embedding), 1), max(np.abs(weights.embedding).max(), 1e-6), np.float32)
    table = np.concatenate([weights.embedding, column], axis=1)
    table[PAD_ID] = 0
    kernels, biases = [], []
    for lstm in weights.directions:
        of_candidate = np.arange(4 * lstm.hidden_size) >= 3 * lstm.hidden_size
        row = np.where(of_candidate, lstm.bias, 0) / column[0]
        kernels.append(np.concatenate([lstm.kernel, row[np.newaxis]]).astype(np.float32))
        biases.append(np.where(of_candidate, 0, lstm.bias).astype(np.float32))
    return table, kernels, biases


def _words_last(graph: Graph, ids: Tensor) -> Tensor:
    """The ids rotated until what stood at the end, padding, stands before the words."""
    (tokens,) = ids.shape
    words = graph.sum(graph.cast(graph.not_equal(ids, graph.constant([PAD_ID])), np.int32), 0)
    return graph.gather(ids, graph.floor_mod(graph.add(graph.constant(range(tokens)), words), graph.constant([tokens])))


def _reversed(graph: Graph, ids: Tensor) -> Tensor:
    return graph.gather(ids, graph.constant(range(ids.shape[0] - 1, -1, -1)))

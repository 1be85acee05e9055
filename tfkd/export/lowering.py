"""A student as a graph of fixed length, its weights constants: how its BiLSTM becomes operators that a phone runs.

Keras' own conversion of an LSTM is a WHILE loop of several subgraphs, which MediaPipe takes for another kind of
model; TensorFlow's fused LSTM has variable tensors, which LiteRT's CompiledModel refuses. Unrolled over time, as one
straight line, all three runtimes take it. What is done once for all steps is done first: the input projection, a
product of two matrices. What is left to each step is done for both directions together, all but the product of the
state, which has other weights in each.

No step asks whether it is on padding. Both directions meet a text's padding *before* its words, the backward one by
its nature, the forward one since the ids are rotated until the text ends at the last step; and there it changes
nothing (see StudentWeights, and _Bigru for a GRU).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from tfkd.export.arithmetic import Reals
from tfkd.export.graph import Graph, Model, Tensor
from tfkd.models.student_weights import GruWeights, StudentWeights
from tfkd.text.encoded_texts import INPUT_NAMES
from tfkd.text.piece_tokenizer import BERT_INPUT_NAMES
from tfkd.text.vocabulary import PAD_ID

SIGNATURE = "serving_default"

# Before a sigmoid that is to be 0, whatever words and states give besides.
_SHUT = -1000.0


def lower(
    weights: StudentWeights,
    lengths: Sequence[int],
    arithmetic: Callable[[Graph], Reals],
    lowering: str = "unrolled",
    like_bert: bool = False,
) -> bytes:
    """Returns a .tflite, without metadata, that gives the student's probabilities for one text, or one pair.

    A signature of length n takes `token_ids`, int32 [1, n], PAD_ID after the text's end (within it, PAD_ID is a step
    of no word, not passed over as Keras' mask does), and for pairs
    `pair_token_ids`, of the same shape, to `probabilities`, float32 [1, num_classes].
    `like_bert` it takes what BERT takes of one text instead: `ids`, `mask` and `segment_ids`, int32
    [1, n + 2] each. It passes over [CLS], [SEP] and the segments.
    An id out of range reads the nearest row of the table (a negative one is padding): a benchmark that feeds noise
    must not read foreign memory.

    Args:
      weights: the student's; all graphs share them.
      lengths: tokens read of a text, a graph each. The longest is that of the signature SIGNATURE and the model's
        first graph; the others' are named `tokens_16` and so on.
      arithmetic: makes what a graph computes with.
      lowering: a key of LOWERINGS. Where a folded table is no larger, as with a low rank, all fold it.
      like_bert: as above; only of single texts.
    """
    assert not (like_bert and weights.pairs), "MediaPipe's BERT takes single texts"
    model = Model()
    recurrent = _Bigru if weights.of_gru else _Bilstm
    bilstm = recurrent(weights, folded=lowering == "folded" or is_folded(weights))
    for tokens in sorted(lengths, reverse=True):
        graph = Graph(model)
        texts = _texts(graph, tokens, len(weights.embedding), weights.pairs, like_bert)
        numbers = arithmetic(graph)
        state = LOWERINGS[lowering](bilstm, graph, texts, arithmetic)
        output = _features(graph, numbers.real(state), len(texts))
        for layer in weights.head:
            output = numbers.layer(output, layer)
        name = SIGNATURE if tokens == max(lengths) else f"tokens_{tokens}"
        model.add(graph, name, {output_name(weights): output})
    return model.to_bytes()


def is_folded(weights: StudentWeights) -> bool:
    """Says whether a table that holds what words give to the gates is no larger than the student's own."""
    return sum(lstm.recurrent.shape[1] for lstm in weights.directions) <= weights.embedding.shape[1]


def output_name(weights: StudentWeights) -> str:
    """Returns what the graph's output is called: what its last activation makes of it."""
    return "logits" if weights.head[-1].activation == "linear" else "probabilities"


def _texts(graph: Graph, tokens: int, vocabulary_size: int, pairs: bool, like_bert: bool) -> list[Tensor]:
    """The graph's inputs as the ids of each text, int32 [tokens], all of them rows of the table."""
    names = BERT_INPUT_NAMES if like_bert else INPUT_NAMES[: 1 + pairs]
    inputs = [graph.input(name, (1, tokens + 2 if like_bert else tokens)) for name in names]
    texts = [between_cls_and_sep(graph, *inputs)] if like_bert else [graph.reshape(ids, (tokens,)) for ids in inputs]
    first, last = graph.constant([PAD_ID]), graph.constant([vocabulary_size - 1])
    return [graph.minimum(graph.maximum(ids, first), last) for ids in texts]


def between_cls_and_sep(graph: Graph, ids: Tensor, mask: Tensor, segment_ids: Tensor) -> Tensor:
    """Returns the ids of a text's tokens, int32 [tokens], zeros after its end, of BERT's inputs [1, tokens + 2] each.

    A token is followed by another or by [SEP], which stands last under the mask.
    """
    tokens = ids.shape[1] - 2
    here = graph.cast(graph.not_equal(graph.slice(mask, (0, 2), (1, tokens)), graph.constant([0])), np.int32)
    return graph.reshape(graph.mul(graph.slice(ids, (0, 1), (1, tokens)), here), (tokens,))


class _Bilstm:
    """The parts of which each lowering is made.

    Args:
      weights: the student's.
      folded: whether the table holds, for each direction, what a word gives to the gates: no input projection.
    """

    def __init__(self, weights: StudentWeights, folded: bool):
        self.directions = weights.directions
        self.hidden_size = weights.hidden_size
        self._table = weights.embedding
        self._masked = weights.masked
        self._folded = folded

    def by_step(self, graph: Graph, texts: Sequence[Tensor]) -> list[Tensor]:
        """The ids in the order in which each direction meets them, padding first, int32 [tokens, texts]."""
        (tokens,) = texts[0].shape

        def in_order(ids: Tensor, backward: bool) -> Tensor:
            if backward:
                return graph.gather(ids, graph.constant(range(tokens - 1, -1, -1)))
            if not self._masked:
                return ids
            order = graph.add(graph.constant(range(tokens)), self.words(graph, [ids]))
            return graph.gather(ids, graph.floor_mod(order, graph.constant([tokens])))

        return [
            graph.concat([graph.reshape(in_order(ids, lstm.backward), (tokens, 1)) for ids in texts], 1)
            for lstm in self.directions
        ]

    def words(self, graph: Graph, texts: Sequence[Tensor]) -> Tensor:
        """How many steps the longest text takes, int32 [1]."""
        if not self._masked:
            return graph.constant([texts[0].shape[0]])
        # The last word's place, not how many there are: a vocabulary whose delimiters let it has "<PAD>" within a text.
        places = graph.constant(range(1, texts[0].shape[0] + 1))
        here = [graph.cast(graph.not_equal(ids, graph.constant([PAD_ID])), np.int32) for ids in texts]
        return functools.reduce(graph.maximum, [graph.largest(graph.mul(places, ids), 0) for ids in here])

    def projected(self, numbers: Reals, ids: Sequence[Tensor]) -> list[Tensor]:
        """What words give, for each direction [words, rank].

        Args:
          numbers: to compute it with.
          ids: for each direction int32 [words].
        """
        shares = []
        for words, lstm in zip(ids, self.directions, strict=True):
            bias = lstm.bias_of_words
            if self._folded:
                shares.append(numbers.looked_up(self._table @ lstm.kernel + (0 if bias is None else bias), words))
            else:
                shares.append(numbers.projected(numbers.words(self._table, words), lstm.kernel, bias))
        return shares

    def before(self, numbers: Reals, rows: int) -> tuple[Tensor, ...]:
        """What a step hands to the next, before the first."""
        shape = (rows, self.hidden_size)
        return numbers.zero_state(shape), numbers.graph.constant(np.zeros(shape, np.float32))

    def step(self, numbers: Reals, projected: Tensor, handed: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What a step hands to the next: the state and the cell after it, [directions * texts, hidden_size] each.

        Args:
          numbers: to compute them with.
          projected: what this step's words give, [directions * texts, rank].
          handed: by the step before; nothing to the first, or what is `before` it.
        """
        recurrent, (state, cell) = None, handed or (None, None)
        if state is not None:
            recurrent = numbers.recurrent(state, [lstm.recurrent for lstm in self.directions])
        expansions = [lstm.expansion for lstm in self.directions if lstm.expansion is not None]
        if not expansions:
            return numbers.step(numbers.gates(projected, recurrent), cell)
        total = numbers.total(projected, recurrent)
        return numbers.step(numbers.expanded(total, expansions, [lstm.bias for lstm in self.directions]), cell)


class _Bigru(_Bilstm):
    """The same of a GRU: padding shuts the gate by which a candidate is taken, so that the state stays what it is."""

    def projected(self, numbers: Reals, ids: Sequence[Tensor]) -> list[Tensor]:
        shares = super().projected(numbers, ids)
        if not self._masked:
            return shares
        # Not in the table, whose integers would all become coarse by it.
        graph, of_padding = numbers.graph, np.zeros((2, 3 * self.hidden_size), np.float32)
        of_padding[PAD_ID, : self.hidden_size] = _SHUT
        rows = [graph.minimum(words, graph.constant([1])) for words in ids]
        return [
            graph.add(share, graph.gather(graph.constant(of_padding), row))
            for share, row in zip(shares, rows, strict=True)
        ]

    def before(self, numbers: Reals, rows: int) -> tuple[Tensor, ...]:
        return (numbers.zero_state((rows, self.hidden_size)),)

    def step(self, numbers: Reals, projected: Tensor, handed: Sequence[Tensor]) -> tuple[Tensor, ...]:
        (state,) = handed or self.before(numbers, projected.shape[0])
        grus = [direction for direction in self.directions if isinstance(direction, GruWeights)]
        kernels, biases = [gru.recurrent for gru in grus], [gru.recurrent_bias for gru in grus]
        return (numbers.gru_step(projected, numbers.recurrent(state, kernels, biases), state),)


def _unrolled(bilstm: _Bilstm, graph: Graph, texts: Sequence[Tensor], arithmetic: Callable[[Graph], Reals]) -> Tensor:
    """The state after the last step, one operator after the other."""
    numbers, (tokens,) = arithmetic(graph), texts[0].shape
    ids = [graph.reshape(by_step, (tokens * len(texts),)) for by_step in bilstm.by_step(graph, texts)]
    # Each step's share of both directions side by side, then below each other.
    wide = [graph.reshape(share, (tokens, len(texts) * share.shape[1])) for share in bilstm.projected(numbers, ids)]
    rows = (len(wide) * len(texts) * tokens, wide[0].shape[1] // len(texts))
    handed: tuple[Tensor, ...] = ()
    for projected in graph.split(graph.reshape(graph.concat(wide, 1), rows), tokens, 0):
        handed = bilstm.step(numbers, projected, handed)
    return handed[0]


def _looped(bilstm: _Bilstm, graph: Graph, texts: Sequence[Tensor], arithmetic: Callable[[Graph], Reals]) -> Tensor:
    """The state after the last step of a loop that begins at the first word: the shorter a text, the fewer steps."""
    (tokens,), rows = texts[0].shape, len(bilstm.directions) * len(texts)
    handed = bilstm.before(arithmetic(graph), rows)
    first = graph.sub(graph.constant([tokens]), bilstm.words(graph, texts))
    by_step = bilstm.by_step(graph, texts)
    variables = [first, *by_step, *handed]

    condition = graph.beside("condition")
    step, *_ = (condition.variable(like) for like in variables)
    condition.outputs = [condition.less(step, condition.constant([tokens]))]

    body = graph.beside("body")
    step, *held = (body.variable(like) for like in variables)
    ids, numbers = held[: len(by_step)], arithmetic(body)
    here = [body.reshape(body.gather(of_direction, step), (len(texts),)) for of_direction in ids]
    after = bilstm.step(numbers, body.concat(bilstm.projected(numbers, here), 0), held[len(by_step) :])
    body.outputs = [body.add(step, body.constant([1])), *ids, *after]
    return graph.while_loop(condition, body, variables)[1 + len(by_step)]


LOWERINGS = {"unrolled": _unrolled, "folded": _unrolled, "while": _looped}


def _features(graph: Graph, state: Tensor, texts: int) -> Tensor:
    """What the ReLU layer takes, float32 [1, width]: the last states of both directions, of pairs their features."""
    last = graph.split(state, state.shape[0], 0)  # of each direction, of each text
    read = [graph.concat(last[text::texts], 1) for text in range(texts)]
    if texts == 1:
        return read[0]
    first, second = read
    # tfkd.models.student.siamese_features
    return graph.concat([first, second, graph.mul(first, second), graph.abs(graph.sub(first, second))], 1)

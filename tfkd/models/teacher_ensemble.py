"""Several teachers as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tfkd.models.teacher import Pieces


class Labeller(Protocol):
    """What gives logits: a teacher, in whatever arithmetic."""

    def encode(self, *columns: Sequence[str]) -> Pieces:
        """Returns the word pieces of each text or pair."""

    def logits(self, pieces: Pieces, *, progress: Any = None) -> np.ndarray:
        """Returns the logits, float32 [texts, classes]."""


class TeacherEnsemble:
    """Teachers of one task and one vocabulary: what they say is the mean of their logits.

    Where one of them errs by chance the others don't: the mean is right more often than any of them,
    and says more of how sure one can be.

    Args:
      members: at least one.
    """

    def __init__(self, members: Sequence[Labeller]):
        self.members = tuple(members)

    def encode(self, *columns: Sequence[str]) -> Pieces:
        """Returns the word pieces of each text or pair, which are the same for all members."""
        return self.members[0].encode(*columns)

    def logits(self, pieces: Pieces, *, progress: Any = None) -> np.ndarray:
        """Returns the mean of the members' logits, float32 [texts, classes].

        Args:
          pieces: what `encode` returned.
          progress: has `update(n)`, called with the texts that the last member, too, is done with.
        """
        *others, last = self.members
        logits = [*(member.logits(pieces) for member in others), last.logits(pieces, progress=progress)]
        return np.stack(logits).mean(0)

"""Labels that kill the training that reads them: how a test interrupts it from within."""

from __future__ import annotations

from typing import Any

import numpy as np


class KilledError(Exception):
    """What a killed training ends with."""


class DyingLabels(np.ndarray):
    """Labels like others, until predictions have been compared with them as often as `lives` says."""

    lives: int

    @classmethod
    def of(cls, labels: np.ndarray, lives: int) -> DyingLabels:
        made = labels.view(cls)
        made.lives = lives
        return made

    def __eq__(self, other: Any) -> Any:
        if self.lives == 0:
            raise KilledError
        self.lives -= 1
        return np.asarray(self) == other

    __hash__ = None

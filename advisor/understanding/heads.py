"""Linear heads over sentence embeddings: one per question (with "not stated") and one for acts.

They are multinomial logistic regressions trained by `make train` on the phrases beside the framework, kept as
safetensors. On their own they read about as well as the naive baseline; cues and the dialogue make up for the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

NOT_STATED = ""


@dataclass(frozen=True)
class Head:
    """labels: class names. weights: (classes, dimensions). bias: (classes,)."""

    labels: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
        """Return (texts, classes) for embeddings of shape (texts, dimensions)."""
        scores = embeddings @ self.weights.T + self.bias
        scores -= scores.max(axis=1, keepdims=True)
        exp = np.exp(scores)
        return np.asarray(exp / exp.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Heads:
    """A head for each question, and one for acts."""

    questions: dict[str, Head]
    acts: Head

    @classmethod
    def load(cls, path: Path) -> Heads:
        """Read the heads.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is not one that `make train` wrote.
        """
        if not path.is_file():
            raise FileNotFoundError(path)
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if "labels" not in metadata:
                raise ValueError(f"{path} holds no labels; write it with `make train`")
            heads = {
                name: Head(tuple(labels), file.get_tensor(f"{name}.weights"), file.get_tensor(f"{name}.bias"))
                for name, labels in json.loads(metadata["labels"]).items()
            }
        acts = heads.pop("acts")
        return cls(heads, acts)

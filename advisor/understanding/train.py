"""Train the reader's heads: `python -m advisor.understanding.train` (or `make train`). Seconds on two cores, seeded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression

from advisor.framework import Framework, load_framework
from advisor.models import load_embeddings
from advisor.settings import Settings
from advisor.understanding.heads import NOT_STATED

STATEMENT_ACTS = {"answer", "correct"}  # phrases of the other acts state nothing of the user's case
SLOT_C, ACT_C = 8.0, 5.0  # inverse regularisation, chosen by cross-validation


def phrases_folder(settings: Settings) -> Path:
    """Return where the training phrases are: beside the framework."""
    return settings.framework.parent / "phrases"


def heads_file(settings: Settings) -> Path:
    """Return where the heads are kept."""
    return settings.framework.parent / "reader.safetensors"


def read_phrases(folder: Path, framework: Framework) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the statements (`text`, `answers`) and the acts (`text`, `act`).

    Raises:
        ValueError: a phrase names a question or option that the framework lacks.
    """
    statements: list[dict[str, Any]] = []
    acts: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(data, list):
            continue  # cues
        for phrase in data:
            if "act" in phrase:
                acts.append(phrase)
                continue
            for question, option in phrase["answers"].items():
                if question not in framework.by_id or option not in framework.question(question).option_ids:
                    raise ValueError(f"{path.name}: unknown answer {question}: {option} in {phrase['text']!r}")
            statements.append(phrase)
    return statements, acts


def train(settings: Settings) -> Path:
    """Fit all heads and write them beside the framework; return the file."""
    framework = load_framework(settings.framework)
    statements, acts = read_phrases(phrases_folder(settings), framework)
    embeddings = load_embeddings(settings)
    empty = [phrase["text"] for phrase in acts if phrase["act"] not in STATEMENT_ACTS]
    stated = np.asarray(embeddings.embed_documents([phrase["text"] for phrase in statements] + empty))
    acted = np.asarray(embeddings.embed_documents([phrase["text"] for phrase in acts]))

    tensors: dict[str, np.ndarray] = {}
    labels: dict[str, list[str]] = {}

    def fit(name: str, vectors: np.ndarray, classes: list[str], c: float) -> None:
        model = LogisticRegression(C=c, max_iter=2000, random_state=0).fit(vectors, classes)
        weights, bias = model.coef_, model.intercept_
        if len(weights) == 1:  # scikit-learn keeps one row for two classes
            weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
        tensors[f"{name}.weights"] = weights.astype(np.float32)
        tensors[f"{name}.bias"] = bias.astype(np.float32)
        labels[name] = [str(label) for label in model.classes_]

    for question in framework.questions:
        classes = [phrase["answers"].get(question.id, NOT_STATED) for phrase in statements]
        fit(question.id, stated, classes + [NOT_STATED] * len(empty), SLOT_C)
    fit("acts", acted, [phrase["act"] for phrase in acts], ACT_C)

    path = heads_file(settings)
    save_file(tensors, str(path), metadata={"labels": json.dumps(labels), "phrases": str(len(statements) + len(acts))})
    return path


if __name__ == "__main__":
    print(f"wrote {train(Settings.from_environment())}")

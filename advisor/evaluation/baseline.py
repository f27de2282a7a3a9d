"""The naive reader that ours is compared with: logistic regression on the embedding of the whole message."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict

from advisor.evaluation.cases import Case
from advisor.models import packaged_embeddings

FOLDS = 5
NOT_STATED = ""


def naive_answers(cases: Sequence[Case], questions: Sequence[str]) -> list[dict[str, str]]:
    """Read each case by a classifier trained on the others, in five folds.

    Args:
        cases: with `text` and `slots`, at least five.
        questions: ids of the questions to be read.

    Returns:
        For each case question id to option id; what is not stated is left out.
    """
    from sentence_transformers import SentenceTransformer

    vectors = SentenceTransformer(packaged_embeddings()).encode([case["text"] for case in cases])
    read: list[dict[str, str]] = [{} for _ in cases]
    for question in questions:
        labels = np.array([case["slots"].get(question) or NOT_STATED for case in cases])
        if len(set(labels)) == 1:
            guesses = labels
        else:
            folds = KFold(FOLDS, shuffle=True, random_state=0)
            model = LogisticRegression(max_iter=1000, class_weight="balanced", C=10)
            guesses = cross_val_predict(model, vectors, labels, cv=folds)
        for slots, guess in zip(read, guesses, strict=True):
            if guess != NOT_STATED:
                slots[question] = str(guess)
    return read

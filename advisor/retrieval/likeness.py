"""How like a query a section and its sentences are, from the cosines of all that is embedded of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from advisor.retrieval.index import Entry


@dataclass(frozen=True)
class Likeness:
    """Of a section to a query.

    section: the mean cosine of the section itself, the nearest title it is asked for by, its nearest sentence and the
        nearest question that it answers.
    units: of each sentence by its position: the mean of its own cosine and that of the nearest question it answers.
    """

    section: float
    units: dict[int, float]


def likenesses(found: Iterable[tuple[Entry, float]]) -> dict[str, Likeness]:
    """Return the likeness of each section.

    Args:
        found: entries with their cosine to the query, all that there are of a section.
    """
    nearest: dict[str, dict[str, float]] = defaultdict(dict)
    sentences: dict[str, dict[int, float]] = defaultdict(dict)
    asked: dict[str, dict[int, float]] = defaultdict(dict)
    for entry, cosine in found:
        kinds = nearest[entry.section]
        kinds[entry.kind] = max(kinds.get(entry.kind, cosine), cosine)
        for units, kind in ((sentences, "sentence"), (asked, "question")):
            if entry.kind == kind:
                for i in entry.units:
                    units[entry.section][i] = max(units[entry.section].get(i, cosine), cosine)
    return {section: _likeness(kinds, sentences[section], asked[section]) for section, kinds in nearest.items()}


def _likeness(nearest: dict[str, float], sentences: dict[int, float], asked: dict[int, float]) -> Likeness:
    kinds = [nearest.get(kind, 0.0) for kind in ("section", "ask", "sentence")]
    if not asked:  # guidance without questions of its own is judged by its sentences in their place
        kinds[1] = max(kinds[1:])
    kinds.append(nearest.get("question", kinds[1]))
    units = {i: (cosine + asked.get(i, 0.0 if asked else cosine)) / 2 for i, cosine in sentences.items()}
    return Likeness(sum(kinds) / len(kinds), units)

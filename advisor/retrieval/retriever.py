"""Hybrid retrieval: dense (Chroma) and lexical (BM25) scores of a section, added up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import PrivateAttr

from advisor.retrieval.documents import Section
from advisor.retrieval.index import Index
from advisor.retrieval.lexical import Lexicon
from advisor.retrieval.likeness import Likeness, likenesses

CANDIDATES = 60  # dense entries looked at first; several lead to one section
ENTRIES = 1000  # at most, of those sections
CLOSER = 12  # sections of these whose entries are all looked at,
BY_WORDS = 3  # and the best ones by their words, which may be a name or a number that a vector blurs
CONTEXT_WEIGHT = 0.6  # of a question with what was said before it, against the question alone
LEXICAL_WEIGHT = 0.05  # of the best BM25 score, against a cosine of 1,
ALONE = 0.2  # and where no questions are known


class Passage(NamedTuple):
    """A retrieved section, with the scores that `HybridRetriever` gave it."""

    section: Section
    scores: dict[str, Any]


def in_context(embeddings: Embeddings, query: str, context: str) -> list[float]:
    """Return the embedding of a question; what was said before it weighs less than the question itself."""
    vector = np.asarray(embeddings.embed_query(query))
    if context:
        vector = vector + CONTEXT_WEIGHT * np.asarray(embeddings.embed_query(f"{context} {query}"))
        vector /= np.linalg.norm(vector)
    return [float(x) for x in vector]


class HybridRetriever(BaseRetriever):
    """Returns whole sections, best first.

    Args:
        index: holds the sections.
        sections: the same.
        k: how many to return.
        questions: whether questions are known that the sections answer.

    Metadata of a returned document: `document`, `title`, `section`, `score` (dense plus lexical), `dense` (likeness to
    the query), `lead` (by how much the nearest entry is nearer than the nearest question that nothing answers),
    `units` (likeness of each sentence).
    """

    index: Any
    k: int = 5
    _sections: dict[str, Section] = PrivateAttr(default_factory=dict)
    _lexical_weight: float = PrivateAttr(default=LEXICAL_WEIGHT)
    _lexicon: Lexicon = PrivateAttr(default_factory=lambda: Lexicon({}))

    def __init__(self, index: Index, sections: Iterable[Section], k: int = 5, *, questions: bool = True) -> None:
        super().__init__(index=index, k=k)  # type: ignore[call-arg]
        self._sections = {section.id: section for section in sections}
        self._lexical_weight = LEXICAL_WEIGHT if questions else ALONE
        self._lexicon = Lexicon(self._sections)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun | None = None
    ) -> list[Document]:
        return [
            Document(
                section.text,
                id=section.id,
                metadata={
                    "document": section.document,
                    "title": section.title,
                    "section": section.heading,
                    **scores,
                },
            )
            for section, scores in self.passages(query)
        ]

    def passages(self, query: str, context: str = "") -> list[Passage]:
        """Return the best sections themselves, with their scores.

        Args:
            query: the question.
            context: what was said before, where the question leans on it.
        """
        lexical = self._lexicon.scores(f"{context} {query}")
        by_words = sorted(lexical, key=lambda s: -lexical[s])[:BY_WORDS]
        dense, lead = self._dense(in_context(self.index.store.embeddings, query, context), by_words)
        score = {s: like.section + self._lexical_weight * lexical.get(s, 0.0) for s, like in dense.items()}
        return [
            Passage(
                self._sections[s],
                {
                    "score": score[s],
                    "dense": dense[s].section,
                    "lead": lead,
                    "units": dense[s].units,
                },
            )
            for s in sorted(score, key=lambda s: -score[s])[: self.k]
        ]

    def _dense(self, vector: list[float], more: Iterable[str]) -> tuple[dict[str, Likeness], float]:
        """Return the likeness of the sections near a query, and of `more`; and the lead."""
        first = self.index.nearest(vector, CANDIDATES)
        answering = [(entry.section, cosine) for entry, cosine in first if entry.kind != "miss"]
        miss = max((cosine for entry, cosine in first if entry.kind == "miss"), default=0.0)
        lead = max((cosine for _, cosine in answering), default=0.0) - miss
        closer = [section for section in dict.fromkeys(s for s, _ in answering) if section in self._sections][:CLOSER]
        return likenesses(self.index.nearest(vector, ENTRIES, list(dict.fromkeys([*closer, *more])))), lead

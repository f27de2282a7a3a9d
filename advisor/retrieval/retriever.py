"""Hybrid retrieval: dense (Chroma) and lexical (BM25) scores of a section, added up."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from math import log
from typing import Any, NamedTuple

import bm25s
import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import PrivateAttr

from advisor.retrieval.documents import Section
from advisor.retrieval.index import KINDS, Index
from advisor.text import words

CANDIDATES = 60  # dense entries looked at first; several lead to one section
ENTRIES = 600  # at most, of those sections
CLOSER = 12  # sections of these whose entries are all looked at
SPELLING = 0.84  # likeness from which an unknown word counts as misspelt
LEXICAL_WEIGHT = 0.1  # of the best BM25 score, against a cosine of 1

logging.getLogger("bm25s").setLevel(logging.WARNING)

_STOPWORDS = frozenset(
    """a an and any are as at be been but by can could did do does for from had has have how i if in into is it its just
    me my no not of on or our should so than that the their them then there these they this to too up us was we were
    what when where which who why will with would you your""".split()
)


class Passage(NamedTuple):
    """A retrieved section, with the scores that `HybridRetriever` gave it."""

    section: Section
    scores: dict[str, Any]


class HybridRetriever(BaseRetriever):
    """Returns whole sections, best first.

    Metadata of a returned document: `document`, `title`, `section`, `score` (dense plus lexical), `dense` (cosine with
    the query, the mean over the section itself, the nearest of the questions it answers and its nearest sentence),
    `coverage` (share of the query's terms), `units` (cosine of each sentence).
    """

    index: Any
    k: int = 5
    _sections: dict[str, Section] = PrivateAttr(default_factory=dict)
    _order: list[str] = PrivateAttr(default_factory=list)
    _vocabulary: frozenset[str] = PrivateAttr(default=frozenset())
    _texts: dict[str, set[str]] = PrivateAttr(default_factory=dict)
    _frequency: Counter[str] = PrivateAttr(default_factory=Counter)
    _bm25: Any = PrivateAttr(default=None)

    def __init__(self, index: Index, sections: Iterable[Section], k: int = 5) -> None:
        super().__init__(index=index, k=k)  # type: ignore[call-arg]
        self._sections = {section.id: section for section in sections}
        self._order = list(self._sections)
        texts = [" ".join((s.title, s.heading, s.text, *s.asks)) for s in self._sections.values()]
        self._vocabulary = frozenset(word for text in texts for word in words(text))
        self._bm25 = bm25s.BM25()
        corpus = [_terms(text) for text in texts]
        self._texts = {s: set(terms) for s, terms in zip(self._order, corpus, strict=True)}
        self._frequency = Counter(term for terms in self._texts.values() for term in terms)
        self._bm25.index(corpus or [["nothing"]], show_progress=False)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun | None = None
    ) -> list[Document]:
        query = self._spelled(query)
        vector = self.index.store.embeddings.embed_query(query)
        dense, units = self._dense(vector)
        lexical = self._lexical(query)
        score = {s: dense[s] + LEXICAL_WEIGHT * lexical.get(s, 0.0) for s in dense}
        best = sorted(score, key=lambda s: -score[s])[: self.k]
        return [
            Document(
                self._sections[s].text,
                id=s,
                metadata={
                    "document": self._sections[s].document,
                    "title": self._sections[s].title,
                    "section": self._sections[s].heading,
                    "score": score[s],
                    "dense": dense[s],
                    "coverage": self._coverage(query, s),
                    "units": units[s],
                },
            )
            for s in best
        ]

    def passages(self, query: str) -> list[Passage]:
        """Return the best sections themselves, with their scores."""
        return [Passage(self._sections[str(document.id)], document.metadata) for document in self.invoke(query)]

    def _dense(self, vector: list[float]) -> tuple[dict[str, float], dict[str, dict[int, float]]]:
        """Return the sections near a query: their mean cosine over the kinds of entries, and that of each sentence."""
        near = dict.fromkeys(entry.metadata["section"] for entry, _ in self._nearest(vector, CANDIDATES))
        closer = [section for section in near if section in self._sections][:CLOSER]
        cosines: dict[str, dict[str, float]] = {section: defaultdict(float) for section in closer}
        units: dict[str, dict[int, float]] = {section: {} for section in closer}
        for entry, distance in self._nearest(vector, ENTRIES, {"section": {"$in": closer}}) if closer else ():
            section, kind, cosine = entry.metadata["section"], entry.metadata["kind"], 1.0 - distance
            cosines[section][kind] = max(cosines[section][kind], cosine)
            if kind == "sentence":
                units[section][entry.metadata["unit"]] = cosine
        return {s: sum(cosines[s][kind] for kind in KINDS) / len(KINDS) for s in closer}, units

    def _spelled(self, query: str) -> str:
        """Return the query with words that the guidance lacks replaced by one that is spelt almost alike."""
        for word in words(query):
            if len(word) > 4 and word not in self._vocabulary:
                alike = {w for w in self._vocabulary if w[0] == word[0] and abs(len(w) - len(word)) < 3}
                for better in get_close_matches(word, alike, 1, SPELLING):
                    query = re.sub(rf"\b{re.escape(word)}\b", better, query, flags=re.IGNORECASE)
        return query

    def _nearest(
        self, vector: list[float], k: int, where: dict[str, Any] | None = None
    ) -> list[tuple[Document, float]]:
        found: list[tuple[Document, float]] = self.index.store.similarity_search_by_vector_with_relevance_scores(
            vector, k=k, filter=where
        )
        return found

    def _coverage(self, query: str, section_id: str) -> float:
        """Return which share of the query's terms the section has, rare terms counting more."""
        terms = set(_terms(query))
        weight = {term: log((1 + len(self._texts)) / (0.5 + self._frequency[term])) for term in terms}
        held = sum(weight[term] for term in terms & self._texts[section_id])
        return held / total if (total := sum(weight.values())) else 0.0

    def _lexical(self, query: str) -> dict[str, float]:
        terms = [term for term in _terms(query) if term in self._bm25.vocab_dict]
        if not terms:
            return {}
        scores = np.asarray(self._bm25.get_scores(terms), dtype=float)
        top = scores.max()
        return {s: float(score / top) for s, score in zip(self._order, scores, strict=False)} if top > 0 else {}


def _terms(text: str) -> list[str]:
    """Return words without stop words and plural endings."""
    return [word.removesuffix("s") if len(word) > 3 else word for word in words(text) if word not in _STOPWORDS]

"""What words tell of a section: BM25 (Robertson and Zaragoza, 2009)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import bm25s
import numpy as np

from advisor.retrieval.documents import Section
from advisor.text import words

logging.getLogger("bm25s").setLevel(logging.WARNING)

_STOPWORDS = frozenset(
    """a an and any are as at be been but by can could did do does for from had has have how i if in into is it its just
    me my no not of on or our should so than that the their them then there these they this to too up us was we were
    what when where which who why will with would you your""".split()
)


class Lexicon:
    """The words of sections, and of what they are asked for by.

    Args:
        sections: by their id.
    """

    def __init__(self, sections: Mapping[str, Section]) -> None:
        self._order = list(sections)
        corpus = [_terms(" ".join((s.title, s.heading, s.text, *s.asks))) for s in sections.values()]
        self._bm25 = bm25s.BM25()
        self._bm25.index(corpus or [["nothing"]], show_progress=False)

    def scores(self, query: str) -> dict[str, float]:
        """Return the BM25 score of each section that has one, the best being 1."""
        terms = [term for term in _terms(query) if term in self._bm25.vocab_dict]
        if not terms:
            return {}
        scores = np.asarray(self._bm25.get_scores(terms), dtype=float)
        top = scores.max()
        return {id_: float(score / top) for id_, score in zip(self._order, scores, strict=False)} if top > 0 else {}


def _terms(text: str) -> list[str]:
    """Return words without stop words and plural endings."""
    return [word.removesuffix("s") if len(word) > 3 else word for word in words(text) if word not in _STOPWORDS]

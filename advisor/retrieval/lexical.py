"""What words tell of a section: BM25, and the right spelling of a term."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from difflib import get_close_matches

import bm25s
import numpy as np

from advisor.text import words

SPELLING = 0.84  # likeness from which an unknown word counts as misspelt

logging.getLogger("bm25s").setLevel(logging.WARNING)

_STOPWORDS = frozenset(
    """a an and any are as at be been but by can could did do does for from had has have how i if in into is it its just
    me my no not of on or our should so than that the their them then there these they this to too up us was we were
    what when where which who why will with would you your""".split()
)


class Lexicon:
    """The words of a set of texts.

    Args:
        texts: by their id.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._order = list(texts)
        self._vocabulary = frozenset(word for text in texts.values() for word in words(text))
        corpus = [_terms(text) for text in texts.values()]
        self._bm25 = bm25s.BM25()
        self._bm25.index(corpus or [["nothing"]], show_progress=False)

    def spelled(self, query: str) -> str:
        """Return the query with words that the texts lack replaced by one that is spelt almost alike."""
        for word in words(query):
            if len(word) > 4 and word not in self._vocabulary:
                alike = {w for w in self._vocabulary if w[0] == word[0] and abs(len(w) - len(word)) < 3}
                for better in get_close_matches(word, alike, 1, SPELLING):
                    query = re.sub(rf"\b{re.escape(word)}\b", better, query, flags=re.IGNORECASE)
        return query

    def scores(self, query: str) -> dict[str, float]:
        """Return the BM25 score of each text that has one, the best being 1 (Robertson and Zaragoza, 2009)."""
        terms = [term for term in _terms(query) if term in self._bm25.vocab_dict]
        if not terms:
            return {}
        scores = np.asarray(self._bm25.get_scores(terms), dtype=float)
        top = scores.max()
        return {id_: float(score / top) for id_, score in zip(self._order, scores, strict=False)} if top > 0 else {}


def _terms(text: str) -> list[str]:
    """Return words without stop words and plural endings."""
    return [word.removesuffix("s") if len(word) > 3 else word for word in words(text) if word not in _STOPWORDS]

"""Answers worded by a chat model, sentence by sentence checked against the passages.

A sentence that no passage supports is dropped. Citations are set here, never by the model.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from advisor.answering.extractive import Claim
from advisor.retrieval.documents import Section
from advisor.retrieval.retriever import Passage
from advisor.text import one_line, sentences
from advisor.wording import wording

SUPPORT = 0.62  # cosine of a sentence with the sentence of a passage that supports it


class DeclinedError(Exception):
    """The model found no answer in the passages, or said nothing that they support."""


def generate(
    model: BaseChatModel,
    embeddings: Embeddings,
    question: str,
    passages: Sequence[Passage],
    seconds: float,
) -> Iterator[tuple[Claim, ...]]:
    """Yield the supported claims so far, each time one is added.

    Raises:
        DeclinedError: nothing the model says is supported.
        TimeoutError: the model took longer than `seconds`.
    """
    words = wording("answering")
    prompt = ChatPromptTemplate([("system", words("system")), ("human", "{message}")])
    chain = prompt | model | StrOutputParser()
    listed = "\n\n".join(f"[{i}] {passage.section.text}" for i, passage in enumerate(passages, 1))
    message = words("question", passages=listed, question=question)
    units = [(passage.section, unit) for passage in passages for unit in passage.section.units]
    vectors = np.asarray(embeddings.embed_documents([unit for _, unit in units]))

    deadline = time.monotonic() + seconds
    claims: list[Claim] = []
    text, done = "", 0
    for piece in chain.stream({"message": message}):
        if time.monotonic() > deadline:
            raise TimeoutError
        text += piece
        spans = sentences(text)
        for start, end in spans[done:-1]:  # the last one may still grow
            done += 1
            if claim := _supported(text[start:end], embeddings, units, vectors):
                claims.append(claim)
                yield tuple(claims)
    for start, end in sentences(text)[done:]:
        if claim := _supported(text[start:end], embeddings, units, vectors):
            claims.append(claim)
            yield tuple(claims)
    if not claims or words("not_in_guidance") in text:
        raise DeclinedError


def _supported(
    sentence: str, embeddings: Embeddings, units: Sequence[tuple[Section, str]], vectors: np.ndarray
) -> Claim | None:
    """Return the sentence as a claim of the passage that supports it best, None when none does."""
    sentence = one_line(re.sub(r"\[\d+\]|https?://\S+|[<>`*#]", "", sentence)).lstrip("- ")
    if len(sentence.split()) < 3:
        return None
    similarity = vectors @ np.asarray(embeddings.embed_query(sentence))
    best = int(similarity.argmax())
    section, unit = units[best]
    figures = set(re.findall(r"\d[\d.,]*\d|\d", sentence))
    if similarity[best] < SUPPORT or not figures <= set(re.findall(r"\d[\d.,]*\d|\d", unit)):
        return None
    return Claim(sentence, section.document, section.heading, unit)

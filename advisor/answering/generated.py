"""Answers worded by a chat model, sentence by sentence checked against the passages.

A sentence that no passage supports is dropped. Citations are set here, never by the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser

from advisor.answering.extractive import PASSAGES, Claim
from advisor.answering.streaming import pieces
from advisor.answering.support import Checker
from advisor.retrieval.documents import Section
from advisor.retrieval.retriever import Passage
from advisor.text import one_line, sentences
from advisor.wording import wording


class DeclinedError(Exception):
    """The model found no answer in the passages, or said nothing that they support."""


def generate(
    model: BaseChatModel, embeddings: Embeddings, question: str, passages: Sequence[Passage], seconds: float
) -> Iterator[tuple[Claim, ...]]:
    """Yield the supported claims so far, each time one is added. Closing the iterator stops the model.

    Raises:
        DeclinedError: nothing the model says is supported.
        TimeoutError: the model took longer than `seconds`.
    """
    sections = [passage.section for passage in passages[:PASSAGES]]
    checker = Checker(embeddings, [section.units for section in sections])
    claims: list[Claim] = []
    said = pieces((model | StrOutputParser()).astream(_messages(question, sections)), seconds)
    try:
        for sentence in _sentences(said):
            if claim := _supported(sentence, checker, sections):
                claims.append(claim)
                yield tuple(claims)
    finally:
        said.close()
    if not claims:
        raise DeclinedError


def completed(claims: Sequence[Claim], quoted: Sequence[Claim]) -> tuple[Claim, ...]:
    """Return claims, and what the quoted answer says besides, in no more words than the quoted answer has."""
    answer = list(claims)
    room = sum(_size(claim) for claim in quoted) - sum(_size(claim) for claim in claims)
    for claim in quoted:
        is_said = any(claim.quote in other.quote for other in answer)
        if not is_said and _size(claim) <= room:
            answer.append(claim)
            room -= _size(claim)
    return tuple(answer)


def _size(claim: Claim) -> int:
    return len(claim.text.split())


def _messages(question: str, sections: Sequence[Section]) -> list[BaseMessage]:
    words = wording("answering")
    messages: list[BaseMessage] = [SystemMessage(words("system"))]
    for example in words.list("examples"):
        asked = words("question", passages=example["passages"].strip(), question=example["question"])
        messages += [HumanMessage(asked), AIMessage(example["answer"])]
    listed = "\n\n".join(section.text for section in sections)
    return [*messages, HumanMessage(words("question", passages=listed, question=question))]


def _sentences(said: Iterator[str]) -> Iterator[str]:
    """Yield each sentence as soon as it is whole."""
    text, done = "", 0
    for piece in said:
        text += piece
        for start, end in sentences(text)[done:-1]:  # the last one may still grow
            done += 1
            yield text[start:end]
    for start, end in sentences(text)[done:]:
        yield text[start:end]


def _supported(sentence: str, checker: Checker, sections: Sequence[Section]) -> Claim | None:
    """Return the sentence as a claim with the quote it rests on, None when no passage supports it."""
    sentence = one_line(re.sub(r"\[\d+\]|https?://\S+|[<>`*#]", "", sentence)).lstrip("- ")
    if len(sentence.split()) < 3 or not (place := checker.place(sentence)):
        return None
    section = sections[place.passage]
    return Claim(sentence, section.document, section.heading, section.excerpt(place.first, place.last))

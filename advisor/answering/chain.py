"""The RAG chain: question → self-contained question → passages → grounded answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnablePassthrough

from advisor.answering.extractive import Claim, Grounded, compose
from advisor.answering.generated import DeclinedError, completed, generate
from advisor.answering.streaming import Breaker, RestingError
from advisor.retrieval.retriever import HybridRetriever, Passage
from advisor.text import words
from advisor.wording import wording

EVIDENCE = 0.36  # likeness and coverage together, below which the guidance does not say
COVERAGE_WEIGHT = 0.2  # of the share of terms that a passage holds, against the likeness of the best one
NEAR_TOPIC = 0.2  # below this not even a nearby topic is worth naming

# words that point to something said before; a question of these and little else cannot be searched for
_POINTERS = frozenset("it its they them their that this those these one ones other he she there such".split())
_LITTLE = frozenset(
    "and or so but what how why when which who is are was does do did can could would will about".split()
)

_log = logging.getLogger(__name__)


def self_contained(question: str, history: Sequence[tuple[str, str]]) -> str:
    """Return a question that can be searched for on its own.

    Args:
        question: what the user asks now.
        history: (role, text) pairs, oldest first; roles are "user" and "assistant".
    """
    asked = [text for role, text in history if role == "user"]
    said = words(question)
    telling = [word for word in said if word not in _POINTERS | _LITTLE]
    if asked and (len(telling) < 2 or _POINTERS & set(said[:6])):
        return f"{asked[-1]} {question}"
    return question


def answer_chain(
    retriever: HybridRetriever,
    embeddings: Embeddings,
    model: BaseChatModel | None,
    *,
    gloss: Callable[[str], str] = str,
    name: str,
    seconds: float,
) -> Runnable[dict[str, Any], Grounded]:
    """Build the chain. Its input is {"question": str, "history": [(role, text), …]}; `stream` yields growing answers.

    Args:
        model: the chat model, None for extractive answers.
        gloss: turns a question in another language into words that the guidance knows.
        name: what turn records call the model.
        seconds: how long the model may take.
    """

    breaker = Breaker()

    def ground(inputs: Iterator[dict[str, Any]]) -> Iterator[Grounded]:
        given: dict[str, Any] = {}
        for part in inputs:  # the steps before stream their keys one by one
            given.update(part)
        passages: list[Passage] = given["passages"]
        if not _is_covered(passages):
            yield Grounded(topics=_topics(passages))
            return
        quoted = compose(passages)
        if model is None:
            yield Grounded(quoted)
            return
        claims: tuple[Claim, ...] = ()
        try:
            breaker.check()
            for claims in generate(model, embeddings, given["query"], passages, seconds):
                yield Grounded(claims, model=name)
            breaker.succeeded()
            yield Grounded(completed(claims, quoted), model=name)
        except DeclinedError:
            breaker.succeeded()
            _log.info("the model found no supported answer; quoting instead")
            yield Grounded(quoted)
        except Exception as error:  # any provider's failure costs no answer; what was shown of one stays
            if not isinstance(error, RestingError):
                breaker.failed()
            _log.warning("the model failed (%s); quoting instead", type(error).__name__)
            note = wording("answering")("model_broke_off" if claims else "model_failed")
            yield Grounded(completed(claims, quoted), model=name if claims else "extractive", note=note)

    query: Runnable[dict[str, Any], str] = RunnableLambda(
        lambda given: gloss(self_contained(given["question"], given.get("history", ())))
    )
    chain: Runnable[dict[str, Any], Grounded] = (
        RunnablePassthrough.assign(query=query)
        | RunnablePassthrough.assign(passages=RunnableLambda(lambda given: retriever.passages(given["query"])))
        | RunnableGenerator(ground)
    )
    return chain


def _is_covered(passages: Sequence[Passage]) -> bool:
    """Tell whether an answer is likely there: the question is like a passage in meaning, and shares its terms."""
    if not passages:
        return False
    likeness = passages[0].scores["dense"]
    coverage = max(passage.scores["coverage"] for passage in passages[:3])
    return bool(likeness + COVERAGE_WEIGHT * coverage >= EVIDENCE)


def _topics(passages: Sequence[Passage]) -> tuple[str, ...]:
    near = [passage.section.heading for passage in passages if passage.scores["dense"] >= NEAR_TOPIC]
    return tuple(dict.fromkeys(near))[:3]

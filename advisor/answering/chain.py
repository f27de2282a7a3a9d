"""The RAG chain: question → what it leans on → passages → grounded answer."""

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
from advisor.text import sentences, words
from advisor.wording import wording

EVIDENCE = 0.36  # likeness of the best passage, below which the guidance does not say
LEAD = 0.04  # by which what answers must be nearer than a question known to have no answer
NEAR_TOPIC = 0.2  # below this not even a nearby topic is worth naming

# words that point to something said before; a question of these and little else cannot be searched for
_POINTERS = frozenset(
    "it its they them their that this those these one ones other he she there such then instead otherwise so".split()
)
_LITTLE = frozenset("and or but what how why when which who is are was does do did can could would will about".split())
_GOING_ON = frozenset("and so but or y und et".split())  # a question that begins so goes on from the one before

_log = logging.getLogger(__name__)


def context_of(question: str, history: Sequence[tuple[str, str]]) -> str:
    """Return what a question leans on: the question before and the point of its answer; nothing where it stands alone.

    Args:
        question: what the user asks now.
        history: (role, text) pairs, oldest first; roles are "user" and "assistant".
    """
    before = next((i for i in reversed(range(len(history))) if history[i][0] == "user"), None)
    said = words(question)
    telling = [word for word in said if word not in _POINTERS | _LITTLE]
    leans = len(telling) < 2 or _POINTERS & set(said[:6]) or (said and said[0] in _GOING_ON)
    if before is None or not leans:
        return ""
    answer = next((text for role, text in history[before:] if role == "assistant"), "")
    start, end = next(iter(sentences(answer)), (0, 0))
    return f"{history[before][1]} {answer[start:end]}".strip()


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
        quoted = compose(given["query"], passages)
        if model is None:
            yield Grounded(quoted)
            return
        claims: tuple[Claim, ...] = ()
        try:
            breaker.check()
            query = f"{given['context']} {given['query']}".strip()
            for claims in generate(model, embeddings, query, passages, seconds):
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

    chain: Runnable[dict[str, Any], Grounded] = (
        RunnablePassthrough.assign(
            query=RunnableLambda(lambda given: gloss(given["question"])),
            context=RunnableLambda(lambda given: gloss(context_of(given["question"], given.get("history", ())))),
        )
        | RunnablePassthrough.assign(
            passages=RunnableLambda(lambda given: retriever.passages(given["query"], given["context"]))
        )
        | RunnableGenerator(ground)
    )
    return chain


def _is_covered(passages: Sequence[Passage]) -> bool:
    """Tell whether an answer is likely there: the question is like a passage, and unlike those that nothing answers."""
    return any(p.scores["dense"] >= EVIDENCE and p.scores["lead"] >= LEAD for p in passages)


def _topics(passages: Sequence[Passage]) -> tuple[str, ...]:
    near = [passage.section.heading for passage in passages if passage.scores["dense"] >= NEAR_TOPIC]
    return tuple(dict.fromkeys(near))[:3]

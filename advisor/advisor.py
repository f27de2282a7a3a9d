"""One turn, start to end: read, update, decide, answer, word the reply. The only place that knows all the steps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor import dialogue, replies
from advisor.answering.extractive import Grounded
from advisor.chat_models import load_chat_model
from advisor.conversation import Act, Citation, Conversation, Exchange, ReadAnswer, Reading, Turn
from advisor.decision import Decision, decide
from advisor.framework import Framework, Source, load_framework
from advisor.models import ModelError, embeddings_version, load_embeddings, packaged_embeddings, quiet_transformers
from advisor.replies import Reply
from advisor.retrieval.documents import Section, read_documents
from advisor.retrieval.questions import Question, read_questions, read_unanswered
from advisor.settings import KNOWLEDGE, Settings, phrases_folder, reader_file
from advisor.understanding.answers import Untrained
from advisor.understanding.cues import Cues
from advisor.understanding.generated import ModelReader
from advisor.understanding.normalise import Normaliser
from advisor.understanding.quick import QuickReader
from advisor.understanding.reader import Reader, TextReader
from advisor.wording import wording

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

MAX_MESSAGE = 8_000  # characters; a description of a case needs a tenth of it

_log = logging.getLogger(__name__)


class Advisor:
    """The advisor behind every channel: chat, command line, HTTP.

    The framework and the guidance texts are read at once; models and index are loaded by `start` in the background,
    or on first need. All methods are safe to call from several threads.

    Raises:
        FrameworkError: the framework file cannot be used.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()
        self.framework: Framework = load_framework(self.settings.framework)
        self.sections: list[Section] = []
        self.found: dict[Path, int] = {}  # sections in each folder
        self.skipped: list[str] = []  # a sentence for each file that could not be used
        for folder in self.settings.knowledge_folders():
            sections, skipped = read_documents(folder)
            self.sections += sections
            self.found[folder] = len(sections)
            self.skipped += skipped if folder != KNOWLEDGE else []  # files of other kinds belong there
        for problem in self.skipped:
            _log.warning("skipped %s", problem)
        self._cues = Cues(phrases_folder(self.settings) / "act_cues.yaml")
        self._quick = QuickReader(self.framework, self._cues)
        self._by_place = {(section.document, section.heading): section for section in self.sections}
        self._reader: Future[Reader] = Future()
        self._chain: Future[Runnable[dict[str, Any], Grounded]] = Future()
        self._started = False
        self._lock = threading.Lock()
        self.indexed = (0, 0)  # entries embedded and to embed
        self.entries, self.embedded, self.removed = 0, 0, 0  # of the index: all, not known before, stale

    # Loading

    def start(self, *, rebuild: bool = False, patient: bool = False) -> None:
        """Load models and index in the background, once.

        Args:
            rebuild: throw the present index away.
            patient: wait for another process that has the index open.
        """
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._load, args=(rebuild, patient), daemon=True).start()

    def wait(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Load if need be, and return when all is there. Raises what loading raised.

        Args:
            progress: called from time to time with entries indexed so far and entries to index.
        """
        self.start()
        while progress and not wait([self._chain], timeout=0.2).done:
            progress(*self.indexed)
        self._chain.result()
        if progress:
            progress(*self.indexed)

    @property
    def ready(self) -> bool:
        """Whether models and index are loaded."""
        return self._chain.done() and self._chain.exception() is None

    def _load(self, rebuild: bool, patient: bool) -> None:
        try:
            quiet_transformers()
            normaliser = Normaliser(KNOWLEDGE / "phrases", packaged_embeddings())
            self._reader.set_result(self._load_reader(normaliser))
            self._chain.set_result(self._open_chain(normaliser, rebuild, patient))
        except Exception as error:
            _log.exception("models and index could not be loaded")
            for future in (self._reader, self._chain):
                if not future.done():
                    future.set_exception(error)

    def _open_chain(self, normaliser: Normaliser, rebuild: bool, patient: bool) -> Runnable[dict[str, Any], Grounded]:
        # these imports take a second, and the reader does without them
        from advisor.answering.chain import answer_chain
        from advisor.retrieval.index import open_index
        from advisor.retrieval.retriever import HybridRetriever

        settings = self.settings
        embeddings = load_embeddings(settings)
        index = open_index(settings, embeddings, embeddings_version(settings), rebuild=rebuild, patient=patient)
        questions, unanswered = self.questions(normaliser)
        _, self.removed = index.update(self.sections, questions, unanswered, self._set_indexed)
        self.entries, self.embedded = index.size, index.embedded
        return answer_chain(
            HybridRetriever(index, self.sections, questions=bool(questions)),
            embeddings,
            self._chat_model,
            gloss=normaliser.gloss,
            name=settings.model or "extractive",
            seconds=settings.model_timeout,
        )

    def questions(self, normaliser: Normaliser) -> tuple[list[Question], list[str]]:
        """Return what is known to be asked: what the guidance answers, and what it does not; as a query is worded."""
        answered: list[Question] = []
        unanswered: list[str] = []
        for folder in self.settings.knowledge_folders():
            found, problems = read_questions(folder, self.sections)
            answered += [replace(question, text=normaliser.gloss(question.text)) for question in found]
            unanswered += [normaliser.gloss(text) for text in read_unanswered(folder)]
            for problem in problems:
                _log.warning("skipped %s", problem)
        return answered, unanswered

    def _load_reader(self, normaliser: Normaliser) -> Reader:
        from advisor.understanding.model import load

        try:
            model = load(reader_file(self.settings), packaged_embeddings(), normaliser)
        except FileNotFoundError:  # a framework of the user's own may have no trained phrases
            return TextReader(self.framework, self._cues, Untrained(self.framework))
        reader = TextReader(self.framework, self._cues, model, normaliser.is_foreign)
        chat_model = self._chat_model if self.settings.reader == "model" else None
        try:
            return ModelReader(self.framework, chat_model, reader) if chat_model else reader
        except NotImplementedError:
            raise ModelError(f"ADVISOR_READER: {self.settings.model} gives no structured answers; unset it") from None

    @cached_property
    def _chat_model(self) -> BaseChatModel | None:
        return load_chat_model(self.settings)

    def _set_indexed(self, done: int, total: int) -> None:
        self.indexed = (done, total)

    # The three things a channel can ask for

    def decide(self, answers: Mapping[str, Collection[str] | str | None]) -> Decision:
        """Decide from answers alone.

        Args:
            answers: question id to an option id, to several where the user is not sure, or to None where it is open.

        Raises:
            ValueError: a question or option is unknown.
        """
        given = {q: {o} if isinstance(o, str) else set(o) for q, o in answers.items() if o is not None}
        return decide(self.framework, given)

    def ask(self, question: str, history: Sequence[tuple[str, str]] = ()) -> Grounded:
        """Answer a question from the guidance.

        Args:
            question: in plain words.
            history: (role, text) pairs before it, oldest first; roles are "user" and "assistant".
        """
        *_, last = self._grounded(question, history)
        return last

    def answer(self, question: str, history: Sequence[tuple[str, str]] = ()) -> tuple[str, tuple[Citation, ...], bool]:
        """Answer a question from the guidance, worded: Markdown, its citations, and whether it abstained."""
        grounded = self.ask(question, history)
        return *_worded(grounded), grounded.abstained

    def read(self, conversation: Conversation, message: str) -> Reading:
        """Return what a message holds, read against what is known and which question is open."""
        self.start()
        return self._reader.result().read(message, conversation)

    def turn(self, conversation: Conversation, message: str) -> Turn:
        """Take one turn and return it whole."""
        *_, last = self.stream(conversation, message)
        return last

    def stream(self, conversation: Conversation, message: str) -> Iterator[Turn]:
        """Take one turn; yield it as its reply grows, the last one complete."""
        started = time.perf_counter()
        message = message.encode("utf-8", "replace").decode()  # half a surrogate pair would stop the tokenizer
        if len(message) > MAX_MESSAGE:
            reply = replies.say("too_long", limit=MAX_MESSAGE)
            yield Turn(
                conversation=conversation,
                reply=reply,
                acts=(Act.UNREADABLE,),
                suggestions=replies.suggestions(self.framework, conversation),
                decision=_record(conversation, decide(self.framework, conversation.options())),
            )
            return
        reading = self._quick.read(message, conversation)
        if reading is None:
            for progress in self._loading(self._reader):
                yield Turn(conversation=conversation, reply=progress)
            reading = self.read(conversation, message)
        yield from self._complete(conversation, message, reading, started)

    def choose(self, conversation: Conversation, question_id: str, option_id: str | None) -> Turn:
        """Take the turn of a user who sets an answer directly; None means not sure.

        Raises:
            KeyError: there is no such question or option.
        """
        question = self.framework.question(question_id)
        label = question.option(option_id).label if option_id else replies.say("suggest_unsure")
        message = f"{question.name}: {label}"
        options = (option_id,) if option_id else question.option_ids
        answer = ReadAnswer.over((0, len(message)), question_id, *options, how="chosen" if option_id else "unsure")
        reading = Reading(acts=(Act.ANSWER,), answers=(answer,))
        *_, last = self._complete(conversation, message, reading, time.perf_counter())
        return last

    def _complete(self, conversation: Conversation, message: str, reading: Reading, started: float) -> Iterator[Turn]:
        now, change = dialogue.update(self.framework, conversation, reading, message)
        decision = decide(self.framework, now.options())
        situation = dialogue.Situation(self.framework, message, reading, conversation, now, change, decision)
        reply = Reply()
        dialogue.acknowledge(situation, reply)

        grounded: Grounded | None = None
        if reading.topic:
            before = list(reply.paragraphs)
            for progress in self._loading(self._chain):
                yield Turn(conversation=conversation, reply="\n\n".join([*before, progress]))
            for grounded in self._grounded(reading.topic, now.questions()):
                text, citations = _worded(grounded)
                reply.paragraphs = [*before, text]
                reply.citations = list(citations)
                yield Turn(conversation=conversation, reply=reply.text(), citations=citations, model=grounded.model)

        asked, guess = dialogue.respond(situation, reply, self._steps)
        now = now.model_copy(update={"asked": asked, "guess": guess}).with_exchange(
            Exchange(user=message, advisor=reply.text(), topic=reading.topic)
        )
        yield Turn(
            conversation=now,
            reply=reply.text(),
            acts=reading.acts,
            suggestions=replies.suggestions(self.framework, now),
            decision=_record(now, decision),
            citations=tuple(reply.citations),
            abstained=grounded is not None and grounded.abstained,
            model=grounded.model if grounded else "extractive",
            elapsed_ms=round(1000 * (time.perf_counter() - started)),
        )

    # Parts of a turn

    def _grounded(self, question: str, history: Sequence[tuple[str, str]]) -> Iterator[Grounded]:
        if self._cues.act(question) is Act.INJECTION:  # an order is no question
            yield Grounded()
            return
        self.wait()
        yield from self._chain.result().stream({"question": question, "history": history})

    def _loading(self, part: Future[Any]) -> Iterator[str]:
        """Yield what is being loaded until it is there."""
        self.start()
        words = wording("app")
        while not part.done():
            done, total = self.indexed
            yield words("indexing", done=done, total=total) if total else words("loading")
            wait([part], timeout=0.5)

    def _steps(self, source: Source) -> tuple[str, ...]:
        section = self._by_place.get((source.document, source.section))
        return section.steps if section else ()


def _record(conversation: Conversation, decision: Decision) -> dict[str, Any] | None:
    """Return the decision for a turn record, None while nothing is known."""
    return decision.to_record() if conversation.answers else None


def _worded(grounded: Grounded) -> tuple[str, tuple[Citation, ...]]:
    words = wording("answering")
    if grounded.abstained:
        if grounded.topics:
            return words("abstain", topics=", ".join(f"“{topic}”" for topic in grounded.topics)), ()
        return words("abstain_without_topics"), ()
    text, citations = grounded.render()
    return f"{text}\n\n{grounded.note}".strip(), citations

"""One turn, start to end: read, update, decide, answer, word the reply. The only place that knows all the steps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

from advisor import dialogue
from advisor.answering.extractive import Grounded
from advisor.conversation import Act, Citation, Conversation, Exchange, Guess, ReadAnswer, Reading, Turn
from advisor.decision import Decision, decide
from advisor.dialogue import Reply
from advisor.framework import Framework, Source, load_framework
from advisor.models import embeddings_name, load_chat_model, load_embeddings, packaged_embeddings, quiet_transformers
from advisor.retrieval.documents import read_documents
from advisor.settings import ROOT, Settings, phrases_folder, reader_file
from advisor.text import one_line
from advisor.understanding.cues import Cues
from advisor.understanding.normalise import Normaliser
from advisor.understanding.reader import QuickReader, Reader, TextReader, Untrained
from advisor.wording import wording

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

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
        folders = [] if self.settings.knowledge_only else [ROOT / "knowledge"]
        if self.settings.knowledge_dir:
            folders.append(self.settings.knowledge_dir)
        self.sections, self.skipped = read_documents(folders)
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
        self.removed = 0  # entries that were stale

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

    def wait(self) -> None:
        """Load if need be, and return when all is there. Raises what loading raised."""
        self.start()
        self._chain.result()

    @property
    def ready(self) -> bool:
        """Whether models and index are loaded."""
        return self._chain.done() and self._chain.exception() is None

    def _load(self, rebuild: bool, patient: bool) -> None:
        try:
            quiet_transformers()
            normaliser = Normaliser(ROOT / "knowledge" / "phrases", packaged_embeddings())
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
        model = load_chat_model(settings)
        embeddings = load_embeddings(settings)
        index = open_index(settings, embeddings, embeddings_name(settings), rebuild=rebuild, patient=patient)
        _, self.removed = index.update(self.sections, self._set_indexed)
        return answer_chain(
            HybridRetriever(index, self.sections),
            embeddings,
            model,
            gloss=normaliser.gloss,
            name=settings.model or "extractive",
            seconds=settings.model_timeout,
        )

    def _load_reader(self, normaliser: Normaliser) -> Reader:
        from advisor.understanding.model import load

        try:
            model = load(reader_file(self.settings), packaged_embeddings(), normaliser)
        except FileNotFoundError:  # a framework of the user's own may have no trained phrases
            return TextReader(self.framework, self._cues, Untrained(self.framework))
        return TextReader(self.framework, self._cues, model)

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

    def turn(self, conversation: Conversation, message: str) -> Turn:
        """Take one turn and return it whole."""
        *_, last = self.stream(conversation, message)
        return last

    def stream(self, conversation: Conversation, message: str) -> Iterator[Turn]:
        """Take one turn; yield it as its reply grows, the last one complete."""
        started = time.perf_counter()
        reading = self._quick.read(message, conversation)
        if reading is None:
            for progress in self._loading(self._reader):
                yield Turn(conversation=conversation, reply=progress)
            reading = self._reader.result().read(message, conversation)
        yield from self._complete(conversation, message, reading, started)

    def choose(self, conversation: Conversation, question_id: str, option_id: str | None) -> Turn:
        """Take the turn of a user who sets an answer directly; None means not sure.

        Raises:
            KeyError: there is no such question or option.
        """
        question = self.framework.question(question_id)
        label = question.option(option_id).label if option_id else dialogue.say("suggest_unsure")
        message = f"{question.name}: {label}"
        options = (option_id,) if option_id else question.option_ids
        answer = ReadAnswer(
            question=question_id,
            options=options,
            how="chosen" if option_id else "unsure",
            confidence=1.0,
            start=0,
            end=len(message),
        )
        reading = Reading(acts=(Act.ANSWER,), answers=(answer,))
        *_, last = self._complete(conversation, message, reading, time.perf_counter())
        return last

    def _complete(self, conversation: Conversation, message: str, reading: Reading, started: float) -> Iterator[Turn]:
        now, change = dialogue.update(self.framework, conversation, reading, message)
        decision = decide(self.framework, now.options())
        reply = Reply()
        dialogue.acknowledge(self.framework, now, change, reading, reply)

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

        asked, guess = self._respond(conversation, now, change, reading, decision, reply, message)
        now = now.model_copy(update={"asked": asked, "guess": guess}).with_exchange(
            Exchange(user=message, advisor=reply.text(), topic=reading.topic)
        )
        yield Turn(
            conversation=now,
            reply=reply.text(),
            acts=reading.acts,
            suggestions=dialogue.suggestions(self.framework, now),
            decision=decision.to_record() if now.answers else None,
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

    def _respond(
        self,
        before: Conversation,
        now: Conversation,
        change: dialogue.Change,
        reading: Reading,
        decision: Decision,
        reply: Reply,
        message: str,
    ) -> tuple[str | None, Guess | None]:
        """Add what the acts ask for, then the recommendation or the next question.

        Returns:
            The question now open, and what is to be confirmed of it.
        """
        acts = set(reading.acts)
        framework = self.framework
        asked = self._next(before, now, change, reading, decision)
        unclear = next((read for read in reading.unclear if read.question == asked), None)
        again = not change and asked == before.asked and asked is not None

        if Act.RESTART in acts:
            reply.add("restarted")
        if Act.GREET in acts and not now.answers:
            reply.add("welcome")
        for act in (Act.THANKS, Act.BYE, Act.ABUSE, Act.INJECTION, Act.UNREADABLE):
            if act in acts:
                reply.add(act.value)
        if Act.OFF_TOPIC in acts and not reading.topic:
            reply.add("off_topic")
        if Act.WHY in acts:
            self._explain_why(before.asked, decision, reply)
        if Act.MEANING in acts and before.asked:
            reply.add("meaning", explain=framework.question(before.asked).explain)
        if Act.SUMMARY in acts:
            dialogue.summarise(framework, now, decision, reply)
        if Act.WHAT_IF in acts:
            dialogue.what_if(framework, now, reading.hypothetical, reply)
        if Act.NEXT_STEPS in acts:
            outcome = framework.outcomes[decision.outcome]
            title = dialogue.say("first_steps_for", outcome=outcome.name)
            dialogue.first_steps(outcome.first_steps, reply, self._steps, title)
        if not reply.paragraphs and not unclear and Act.ANSWER in acts and not dialogue.is_small_talk(message):
            reply.add("not_understood" if before.asked else "no_case_yet")
        if Act.UNSURE in acts and before.asked is None and not now.answers:
            reply.add("no_case_yet")

        if asked is None and (change or Act.DECIDE_NOW in acts):
            dialogue.recommend(framework, decision, reply, self._steps)
        elif asked and unclear:
            option = unclear.options[0]
            guess = Guess(option=option, quote=one_line(message[unclear.start : unclear.end]))
            said = dialogue.user_words(guess.quote)
            reply.add("guess", says=dialogue.says(framework, asked, option), quote=said)
            return asked, guess
        elif asked:
            self._ask(asked, again and Act.REPEAT not in acts, reply)
        return asked, before.guess if again else None

    def _next(
        self, before: Conversation, now: Conversation, change: dialogue.Change, reading: Reading, decision: Decision
    ) -> str | None:
        """Return the question to be open after this turn."""
        if Act.DECIDE_NOW in reading.acts:
            return None
        for question in (*reading.doubtful, change.reopened):
            if question:
                return question
        if reading.unclear and not decision.settled:
            return reading.unclear[0].question
        if not change and (before.asked or before.answers) and Act.RESTART not in reading.acts:
            return before.asked
        return decision.next_question

    def _ask(self, question_id: str, again: bool, reply: Reply) -> None:
        question = self.framework.question(question_id)
        if again:
            reply.add("ask_again", question=question.short)
        else:
            why = dialogue.say("why_asked", why=question.why)
            reply.paragraphs.append(dialogue.say("ask", question=question.ask) + "\n\n" + why)

    def _explain_why(self, asked: str | None, decision: Decision, reply: Reply) -> None:
        if asked:
            question = self.framework.question(asked)
            quote = question.source.quote + reply.cite(question.source, question.source.quote)
            reply.add("why", why=question.why, quote=quote)
        else:
            dialogue.recommend(self.framework, decision, reply, self._steps)


def _worded(grounded: Grounded) -> tuple[str, tuple[Citation, ...]]:
    words = wording("answering")
    if grounded.abstained:
        if grounded.topics:
            return words("abstain", topics=", ".join(f"“{topic}”" for topic in grounded.topics)), ()
        return words("abstain_without_topics"), ()
    text, citations = grounded.render()
    return f"{text}\n\n{grounded.note}".strip(), citations

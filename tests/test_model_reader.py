"""Answers read by a chat model: only with its words in the message, and never at the price of an answer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from pydantic import AnyHttpUrl

from advisor import Advisor, Conversation, Settings
from advisor.chat_models import load_chat_model
from advisor.conversation import Act, Reading
from advisor.framework import Framework
from advisor.settings import SettingsError
from advisor.understanding.generated import ModelReader
from tests.conftest import free_port

MESSAGE = "Our  prices\nchange daily, and money is tight."


class Embedded:
    """Stands in for the embedded reader: a statement without answers."""

    def __init__(self, *acts: Act) -> None:
        self.acts = acts or (Act.ANSWER,)

    def read(self, message: str, conversation: Conversation) -> Reading:
        return Reading(acts=self.acts)


class Says:
    """Stands in for a chat model, so that its words are known."""

    def __init__(self, *answers: tuple[str, str], seconds: float = 0) -> None:
        self.answers, self.seconds, self.asked = answers, seconds, 0

    def with_structured_output(self, schema: type[Any]) -> RunnableLambda[Any, Any]:
        def invoke(_: object) -> object:
            self.asked += 1
            time.sleep(self.seconds)
            return schema(answers=[{"answer": answer, "words": words} for answer, words in self.answers])

        return RunnableLambda(invoke)


def read(framework: Framework, model: Any, *acts: Act, seconds: float = 5) -> Reading:
    return ModelReader(framework, model, Embedded(*acts), seconds).read(MESSAGE, Conversation())


def test_an_answer_is_kept_with_its_place_in_the_message(framework: Framework) -> None:
    reading = read(framework, Says(("change=frequent", "prices change DAILY"), ("budget=limited", "money is tight.")))
    found = {a.question: (a.options, MESSAGE[a.start : a.end]) for a in reading.answers}
    assert found == {
        "change": (("frequent",), "prices\nchange daily"),
        "budget": (("limited",), "money is tight"),
    }


def test_an_answer_whose_words_nobody_said_is_dropped(framework: Framework) -> None:
    reading = read(
        framework, Says(("citations=critical", "sources are required"), ("budget=limited", "money is tight"))
    )
    assert [answer.question for answer in reading.answers] == ["budget"]


@pytest.mark.parametrize(
    "model",
    [Says(("change=sometimes", "daily")), Says(("nonsense", "daily")), Says(("change=frequent", "daily"), seconds=3)],
    ids=["an option that is none", "an answer that is none", "late"],
)
def test_when_the_model_fails_or_is_slow_the_embedded_reading_stands(framework: Framework, model: Says) -> None:
    started = time.monotonic()
    assert read(framework, model, seconds=0.5) == Reading(acts=(Act.ANSWER,))
    assert time.monotonic() - started < 2.5


def test_a_question_or_an_order_never_reaches_the_model(framework: Framework) -> None:
    model = Says(("change=frequent", "daily"))
    assert read(framework, model, Act.ASK).answers == ()
    assert read(framework, model, Act.INJECTION).answers == ()
    assert model.asked == 0


def test_a_real_model_reads_only_what_the_message_says(model_url: str, framework: Framework) -> None:
    # SmolLM2-135M is too small to be right; what it gives must still be checked
    settings = Settings(model="openai:smollm2", model_url=AnyHttpUrl(model_url), reader="model")
    model = load_chat_model(settings)
    assert model is not None
    said = model.with_structured_output(ModelReader.schema(framework)).invoke(MESSAGE)
    assert hasattr(said, "answers")  # the server keeps to the schema
    reading = ModelReader(framework, model, Embedded(), seconds=60).read(MESSAGE, Conversation())
    for answer in reading.answers:
        assert answer.options[0] in framework.question(answer.question).option_ids
        assert MESSAGE[answer.start : answer.end].strip()


def test_a_server_that_is_gone_costs_no_answer(settings: Settings) -> None:
    url = AnyHttpUrl(f"http://127.0.0.1:{free_port()}/v1")
    gone = settings.model_copy(update={"model": "openai:any", "model_url": url, "reader": "model"})
    advisor = Advisor(gone)
    turn = advisor.turn(Conversation(), "Our prices change every single day.")
    advisor.wait()  # nothing is left loading
    assert turn.conversation.answers["change"].options == ("frequent",)


def test_a_model_reader_without_a_model_is_an_error_that_says_so() -> None:
    with pytest.raises(SettingsError, match="ADVISOR_READER: model needs ADVISOR_MODEL"):
        Settings.from_environment({"ADVISOR_READER": "model"})

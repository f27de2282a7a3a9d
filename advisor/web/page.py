"""The page: chat, quick replies and decision board, and the API endpoints `turn`, `ask` and `decide`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr

from advisor.advisor import MAX_MESSAGE, Advisor
from advisor.conversation import Conversation, Turn
from advisor.decision import counting
from advisor.framework import Framework, Question
from advisor.settings import SCORECARD
from advisor.sharing import TokenError, from_token, to_token
from advisor.text import as_typed
from advisor.web import board
from advisor.wording import wording

# the message just sent goes to the top of the chat, so that its reply is read from the beginning
TO_LATEST = """() => {
  const row = [...document.querySelectorAll("#chat .user-row")].pop();
  let box = row?.parentElement;
  while (box && box.scrollHeight <= box.clientHeight) box = box.parentElement;
  if (box?.closest("#chat")) box.scrollTop += row.getBoundingClientRect().top - box.getBoundingClientRect().top - 12;
}"""
STATIC = Path(__file__).parent / "static"
UNSURE = "?"  # value of the choice "not sure"

Message = dict[str, Any]
words = wording("app")

FONTS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def theme() -> gr.Theme:
    """Return the look: system fonts, one accent colour."""
    return gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=FONTS, font_mono=MONO, radius_size="lg")


def build(advisor: Advisor) -> gr.Blocks:
    """Build the page over an advisor."""
    framework = advisor.framework
    with gr.Blocks(title=words("title"), analytics_enabled=False, fill_width=True) as page:
        state = gr.State(Conversation().model_dump_json())
        gr.HTML(_header("scorecard", words("scorecard")), elem_id="top")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                chat = gr.Chatbot(
                    label=words("chat"),
                    show_label=False,
                    autoscroll=False,  # the reader starts at the top of a long reply
                    elem_id="chat",
                    height="min(68dvh, 720px)",
                    placeholder=f"### {words('promise_title')}\n{words('promise')}",
                    examples=[{"text": text} for text in words.list("examples")],
                    buttons=["copy"],
                    feedback_options=None,
                    layout="bubble",
                    allow_tags=False,
                    latex_delimiters=[],
                )
                box = gr.Textbox(
                    label=words("message"),
                    show_label=False,
                    placeholder=words("placeholder"),
                    submit_btn=True,
                    elem_id="message",
                    lines=1,
                    max_lines=8,
                    max_length=MAX_MESSAGE,
                )
            with gr.Column(scale=2, min_width=320, elem_id="side"):
                standing = gr.HTML(board.outcome(framework, Conversation()))
                with gr.Accordion(words("answers"), open=False, elem_id="answers"):
                    choices = [_choice(question) for question in framework.questions]
                why = gr.HTML("")
                with gr.Accordion(words("board_sources"), open=False):
                    quotes = gr.Markdown(words("no_sources"))

        shown = [chat, state, standing, why, quotes, *choices]

        def show(history: list[Message], turn: Turn) -> list[Any]:
            conversation = turn.conversation
            return [
                history + _messages(turn),
                conversation.model_dump_json(),
                board.outcome(framework, conversation),
                board.reasons(framework, conversation),
                board.sources(turn.citations) or gr.skip(),
                *_chosen(framework, conversation),
            ]

        def respond(message: str, history: list[Message], state: str) -> Iterator[list[Any]]:
            conversation = Conversation.model_validate_json(state)
            history = [*_without_options(history), {"role": "user", "content": as_typed(message)}]
            unchanged = [gr.skip()] * (len(shown) - 1)
            yield [history, *unchanged]
            for turn in advisor.stream(conversation, message):
                final = turn.conversation is not conversation
                yield show(history, turn) if final else [history + _messages(turn), *unchanged]

        def set_answer(question: Question) -> Any:
            def chosen(option: str, history: list[Message], state: str) -> list[Any]:
                turn = advisor.choose(
                    Conversation.model_validate_json(state), question.id, None if option == UNSURE else option
                )
                said = turn.conversation.exchanges[-1].user
                return show([*_without_options(history), {"role": "user", "content": as_typed(said)}], turn)

            return chosen

        def clear() -> list[Any]:
            empty = Conversation()
            unchosen = _chosen(framework, empty)
            return [[], empty.model_dump_json(), board.outcome(framework, empty), "", words("no_sources"), *unchosen]

        limits: dict[str, Any] = {"concurrency_limit": None, "api_visibility": "private", "show_progress": "hidden"}
        sent = gr.State("")
        at_once: dict[str, Any] = {"queue": False, "api_visibility": "private"}
        for started in (
            box.submit(lambda text: ("", text), box, [box, sent], **at_once),
            chat.option_select(_selected, None, sent, **at_once),
            chat.example_select(_selected, None, sent, **at_once),
        ):
            started.then(respond, [sent, chat, state], shown, **limits).then(None, None, None, js=TO_LATEST)
        chat.clear(clear, None, shown, **at_once)
        for question, choice in zip(framework.questions, choices, strict=True):
            changed = choice.input(set_answer(question), [choice, chat, state], shown, **limits)
            changed.then(None, None, None, js=TO_LATEST)
        _endpoints(advisor)
    with page.route(words("scorecard"), "/scorecard", show_in_navbar=False):
        gr.HTML(_header(".", words("back")), elem_id="top")
        gr.Markdown(SCORECARD.read_text(encoding="utf-8"), elem_id="scorecard")
    return cast("gr.Blocks", page)


def _header(link: str, name: str) -> str:
    """Return what stands at the top of a page, with a link to another one."""
    return f"<header><h1>{words('title')}</h1><p>{words('tagline')}</p><nav><a href='{link}'>{name}</a></nav></header>"


def _choice(question: Question) -> gr.Radio:
    options = [(option.label, option.id) for option in question.options] + [(words("unsure"), UNSURE)]
    visible = not question.refines
    return gr.Radio(options, label=question.name, info=words("unanswered"), elem_classes="choice", visible=visible)


def _chosen(framework: Framework, conversation: Conversation) -> list[Any]:
    """Return what the choices show: refiners only where they count or are answered."""
    shown = counting(framework, conversation.options()) | conversation.answers.keys()
    updates = []
    for question in framework.questions:
        value, info = None, words("unanswered")
        if answer := conversation.answers.get(question.id):
            value = answer.options[0] if len(answer.options) == 1 else UNSURE
            info = words("chosen") if answer.how in {"chosen", "unsure"} else words("you_said", quote=answer.quote)
        updates.append(gr.update(value=value, info=info, visible=question.id in shown))
    return updates


def _selected(event: gr.SelectData) -> str:
    value = event.value
    return str(value["text"] if isinstance(value, dict) else value)


def _messages(turn: Turn) -> list[Message]:
    """Return a reply as chat messages: its text, then its sources folded away, with the quick replies on the last."""
    messages: list[Message] = [{"role": "assistant", "content": turn.reply}]
    if turn.citations:
        title = words("sources", count=len(turn.citations))
        messages.append(
            {
                "role": "assistant",
                "content": board.sources(turn.citations),
                "metadata": {"title": title, "status": "done"},
            }
        )
    if turn.suggestions:
        messages[-1]["options"] = [{"value": suggestion} for suggestion in turn.suggestions]
    return messages


def _without_options(history: list[Message]) -> list[Message]:
    """Quick replies belong to the latest reply only."""
    return [{**message, "options": None} if message.get("options") else message for message in history]


def _endpoints(advisor: Advisor) -> None:
    def turn(message: str, case: str = "", session: str = "") -> tuple[dict[str, Any], str]:
        """Take one turn of a conversation.

        Args:
            message: what the user says.
            case: the second value of the turn before; empty at the start.
            session: a name of your own for the conversation, repeated in the record.

        Returns:
            The turn record, and the case to send with the next message.
        """
        try:
            conversation = from_token(case) if case else Conversation()
        except TokenError as error:
            raise gr.Error(str(error), print_exception=False) from error
        result = advisor.turn(conversation.model_copy(update={"session": session}), message)
        return result.to_record(), to_token(result.conversation)

    def ask(question: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """Answer a question from the guidance, with citations.

        Args:
            question: in plain words.
            history: earlier ["user" or "assistant", text] pairs, oldest first.
        """
        text, citations, abstained = advisor.answer(question, [(role, said) for role, said in history or []])
        return {"answer": text, "abstained": abstained, "citations": [c.model_dump() for c in citations]}

    def decide(answers: dict[str, Any]) -> dict[str, Any]:
        """Decide from answers alone.

        Args:
            answers: question id to option id, for example {"need": "knowledge", "change": "frequent"}.
        """
        try:
            return advisor.decide(answers).to_record()
        except (ValueError, TypeError, AttributeError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    for endpoint in (turn, ask, decide):
        gr.api(  # type: ignore[attr-defined]
            endpoint, api_name=endpoint.__name__, concurrency_limit=None
        )

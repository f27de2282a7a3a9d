"""The command line: `python -m advisor chat | ask | decide | index | outcomes | eval`."""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from advisor.advisor import Advisor
from advisor.conversation import Conversation
from advisor.framework import FrameworkError
from advisor.models import ModelError
from advisor.outcomes import outcome_table
from advisor.progress import progress_bar
from advisor.settings import Settings, SettingsError
from advisor.wording import wording

BAD_INPUT = 2  # exit code
MAX_SESSIONS = 10_000  # of one `chat --jsonl`; the one unused longest is forgotten first


class InputError(ValueError):
    """A line of input that cannot be used."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(levelname)s: %(message)s")
    try:
        settings = Settings.from_environment(os.environ | options.environment(options))
        code: int = options.run(Advisor(settings), options)
        return code
    except (SettingsError, FrameworkError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


def leave(code: int) -> NoReturn:
    """End the process at once; a model still loading in the background would crash at Python's own exit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m advisor", description="Fine-tune, retrieve, or both?")
    parser.set_defaults(log_level=logging.WARNING, environment=lambda options: {})
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    chat = commands.add_parser("chat", help="talk in the terminal")
    chat.add_argument(
        "--jsonl", action="store_true", help='read {"session","message"} lines, write a turn record a line'
    )
    chat.set_defaults(run=_chat)

    ask = commands.add_parser("ask", help="ask the guidance one question")
    ask.add_argument("question", nargs="?")
    ask.add_argument("--json", action="store_true", help="write the answer as JSON")
    ask.add_argument(
        "--jsonl", action="store_true", help='read {"id","question","history"} lines, write an answer a line'
    )
    ask.set_defaults(run=_ask)

    decide = commands.add_parser("decide", help="decide from answers")
    decide.add_argument(
        "--jsonl", action="store_true", required=True, help='read {"id","answers"} lines, write a decision a line'
    )
    decide.set_defaults(run=_decide)

    index = commands.add_parser("index", help="build or refresh the index of the guidance")
    index.add_argument("--docs", help="a folder of your own guidance, as ADVISOR_KNOWLEDGE_DIR")
    index.add_argument("--only", action="store_true", help="use only that folder, as ADVISOR_KNOWLEDGE_ONLY")
    index.add_argument("--rebuild", action="store_true", help="throw the present index away")
    # errors only, as the summary names the files that were skipped
    index.set_defaults(run=_index, log_level=logging.ERROR, environment=_knowledge)

    outcomes = commands.add_parser("outcomes", help="write the table of outcomes over all sets of answers, as CSV")
    outcomes.set_defaults(run=_outcomes)

    evaluate = commands.add_parser("eval", help="measure the quality on case files")
    evaluate.add_argument("--cases", type=Path, default=Path("tests/cases"), help="a folder of case files")
    evaluate.add_argument("--json", type=Path, help="also write the figures to this file")
    evaluate.add_argument("--scorecard", type=Path, help="also write them as a page in Markdown")
    evaluate.add_argument("--verbose", action="store_true", help="name each case that failed")
    evaluate.set_defaults(run=_eval)
    return parser


def _each_line(source: BinaryIO, handle: Callable[[dict[str, Any]], dict[str, Any]]) -> int:
    """Answer each JSON line at once; a line that cannot be used is named on standard error, the rest goes on."""
    code = 0
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            if not isinstance(data, dict):
                raise InputError("a JSON object is expected")
            result = handle(data)
        except (ValueError, RecursionError) as error:  # a JSONDecodeError is one too
            unreadable = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            message = f"not valid JSON ({error})" if unreadable else str(error)
            print(f"error: line {number}: {message}", file=sys.stderr, flush=True)
            code = BAD_INPUT
            continue
        print(json.dumps(result), flush=True)  # ASCII, whatever the terminal's encoding
    return code


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise InputError(f'"{key}" must be a text')
    return value


def _chat(advisor: Advisor, options: argparse.Namespace) -> int:
    if not options.jsonl:
        return _terminal(advisor)
    advisor.start()
    sessions: OrderedDict[str, Conversation] = OrderedDict()

    def turn(data: dict[str, Any]) -> dict[str, Any]:
        session, message = _text(data, "session"), _text(data, "message")
        turn = advisor.turn(sessions.pop(session, Conversation(session=session)), message)
        sessions[session] = turn.conversation
        if len(sessions) > MAX_SESSIONS:
            sessions.popitem(last=False)
        return turn.to_record()

    return _each_line(sys.stdin.buffer, turn)


def _terminal(advisor: Advisor) -> int:
    advisor.start()
    words = wording("app")
    print(f"{words('title')}: {words('tagline')}\n{words('promise')}\n")
    conversation = Conversation()
    for message in _lines():
        turn = advisor.turn(conversation, message)
        conversation = turn.conversation
        print(f"\n{turn.reply}\n")
        for citation in turn.citations:
            print(f"  [{citation.n}] {citation.document}, {citation.section}: “{citation.quote}”")
        if turn.suggestions:
            print(f"  ({' | '.join(turn.suggestions)})\n")
    return 0


def _lines() -> Iterator[str]:
    while True:
        try:
            yield input("> ")
        except EOFError:
            return


def _ask(advisor: Advisor, options: argparse.Namespace) -> int:
    def answer(data: dict[str, Any]) -> dict[str, Any]:
        history = data.get("history") or []
        if not all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(x, str) for x in pair) for pair in history
        ):
            raise InputError('"history" must be a list of ["user" or "assistant", text] pairs')
        text, citations, abstained = advisor.answer(_text(data, "question"), [(role, said) for role, said in history])
        return {
            "id": data.get("id"),
            "answer": text,
            "abstained": abstained,
            "citations": [citation.model_dump() for citation in citations],
        }

    if options.jsonl:
        advisor.start()
        return _each_line(sys.stdin.buffer, answer)
    if not options.question:
        print('error: ask what? For example: python -m advisor ask "Is RAG slower?"', file=sys.stderr)
        return BAD_INPUT
    result = answer({"question": options.question})
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
        return 0
    print(result["answer"])
    for citation in result["citations"]:
        print(f"\n[{citation['n']}] {citation['document']}, {citation['section']}\n    “{citation['quote']}”")
    return 0


def _decide(advisor: Advisor, options: argparse.Namespace) -> int:
    def decision(data: dict[str, Any]) -> dict[str, Any]:
        answers = data.get("answers")
        if not isinstance(answers, dict):
            raise InputError('"answers" must be an object such as {"need": "knowledge"}')
        for question, option in answers.items():
            options = option if isinstance(option, list) else [option]
            if not all(isinstance(o, str) or (o is None and option is None) for o in options):
                raise InputError(f'the answer to "{question}" must be an option, a list of options, or null')
        return {"id": data.get("id"), "decision": advisor.decide(answers).to_record()}

    return _each_line(sys.stdin.buffer, decision)


def _knowledge(options: argparse.Namespace) -> dict[str, str]:
    docs = {"ADVISOR_KNOWLEDGE_DIR": options.docs} if options.docs else {}
    return docs | ({"ADVISOR_KNOWLEDGE_ONLY": "true"} if options.only else {})


def _index(advisor: Advisor, options: argparse.Namespace) -> int:
    advisor.start(rebuild=options.rebuild, patient=True)
    with progress_bar() as show:
        advisor.wait(show)
    documents = {section.document for section in advisor.sections}
    print(
        f"{len(documents)} documents, {len(advisor.sections)} sections; "
        f"{advisor.embedded} entries embedded, {advisor.entries - advisor.embedded} reused, {advisor.removed} removed"
    )
    for problem in advisor.skipped:
        print(f"skipped {problem}")
    empty = [str(folder) for folder, count in advisor.found.items() if not count]
    if empty:
        print(f"error: no guidance in {', '.join(empty)}", file=sys.stderr)
    return BAD_INPUT if empty else 0


def _outcomes(advisor: Advisor, options: argparse.Namespace) -> int:
    print(outcome_table(advisor.framework), end="")
    return 0


def _eval(advisor: Advisor, options: argparse.Namespace) -> int:
    from advisor.evaluation import evaluate, table
    from advisor.evaluation.scorecard import scorecard

    if not options.cases.is_dir():
        print(f"error: there is no folder {options.cases}", file=sys.stderr)
        return BAD_INPUT
    results = evaluate(advisor, options.cases, note=print if options.verbose else lambda line: None)
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if options.scorecard:
        page = scorecard(
            results,
            date=datetime.date.today(),
            cases=options.cases.as_posix(),
            model=advisor.settings.model or "extractive",
        )
        options.scorecard.write_text(page, encoding="utf-8")
    return 0

"""The command line, run as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from advisor import Settings
from tests.conftest import ROOT


def run(settings: Settings, *arguments: str, lines: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "advisor", *arguments],
        input=lines,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"ADVISOR_DATA_DIR": str(settings.data_dir)} | environment,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def cli_settings(settings: Settings, advisor: object, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the index, since the session's own is open in this process."""
    folder = tmp_path_factory.mktemp("cli")
    subprocess.run(["cp", "-r", f"{settings.data_dir}/chroma", str(folder)], check=True)
    return Settings(data_dir=folder)


def test_decide_answers_each_line_and_names_the_bad_ones(settings: Settings) -> None:
    lines = [
        '{"id": 1, "answers": {"need": "knowledge", "change": "frequent", "citations": null}}',
        "not json",
        '{"id": 2, "answers": {"need": "magic"}}',
        '{"id": 3, "answers": ["need"]}',
        '{"id": 4, "answers": {"need": 5}}',
        "",
        '{"id": 5, "answers": {}}',
        '{"id": 6, "answers": {"budget": ["limited", "resourced"]}}',
    ]
    result = run(settings, "decide", "--jsonl", lines="\n".join(lines))
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["id"] for record in records] == [1, 5, 6]
    assert records[0]["decision"]["outcome"] == "rag"
    assert set(records[0]["decision"]) == {
        "outcome",
        "settled",
        "robustness",
        "runner_up",
        "axes",
        "reasons",
        "flips",
        "contradictions",
    }
    assert result.returncode == 2
    errors = result.stderr.splitlines()
    assert [error.split(":")[1].strip() for error in errors] == ["line 2", "line 3", "line 4", "line 5"]
    assert "Traceback" not in result.stderr


def test_bytes_that_are_no_text_are_named_and_the_rest_goes_on(settings: Settings) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "advisor", "decide", "--jsonl"],
        input=b'\xff\xfe\n{"id": "\xc3\xa9", "answers": {}}\n',
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"ADVISOR_DATA_DIR": str(settings.data_dir), "LC_ALL": "C"},
        check=False,
    )
    assert json.loads(result.stdout)["id"] == "é"
    assert result.stderr.startswith(b"error: line 1: not valid JSON")
    assert result.returncode == 2


def test_chat_keeps_interleaved_sessions_apart(cli_settings: Settings) -> None:
    messages = [
        ("a", "hello"),
        ("b", "hello"),
        ("a", "Facts it looks up"),
        ("b", "How it behaves"),
        ("a", "Daily or weekly"),
        ("a", "What would change this?"),
    ]
    lines = "\n".join(json.dumps({"session": s, "message": m}) for s, m in messages) + "\n{}\n"
    result = run(cli_settings, "chat", "--jsonl", lines=lines)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["session"] for record in records] == [s for s, _ in messages]
    assert records[0]["decision"] is None
    assert records[3]["answers"]["need"] == {"options": ["behavior"], "how": "chosen", "quote": "How it behaves"}
    assert set(records[4]["answers"]) == {"need", "change"}
    assert set(records[5]) == {
        "session",
        "reply",
        "acts",
        "answers",
        "asked",
        "suggestions",
        "decision",
        "citations",
        "abstained",
        "model",
        "elapsed_ms",
    }
    assert result.returncode == 2
    assert 'line 7: "session" must be a text' in result.stderr


def test_ask_once_and_line_by_line(cli_settings: Settings) -> None:
    once = run(cli_settings, "ask", "Is RAG slower?")
    assert once.returncode == 0
    assert "[1]" in once.stdout
    history = [["user", "What is LoRA?"], ["assistant", "A method."]]
    lines = [
        {"id": "q1", "question": "Can I use both?"},
        {"id": "q2", "question": "Who won the world cup in 1998?", "history": []},
        {"id": "q3", "question": "What does it save?", "history": history},
        {"id": "q4", "question": "x", "history": "bad"},
    ]
    result = run(cli_settings, "ask", "--jsonl", lines="\n".join(map(json.dumps, lines)))
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(r["id"], r["abstained"]) for r in records] == [("q1", False), ("q2", True), ("q3", False)]
    assert set(records[0]) == {"id", "answer", "abstained", "citations"}
    assert set(records[0]["citations"][0]) == {"n", "document", "section", "quote"}
    assert result.returncode == 2
    assert "line 4" in result.stderr


def test_own_documents_are_indexed_and_answer(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "zebra.html").write_text("<h1>Zebras</h1><h2>Stripes</h2><p>Zebra stripes confuse biting flies.", "utf-8")
    (docs / "empty.md").write_text("", encoding="utf-8")
    (docs / "sums.xlsx").write_bytes(b"PK")
    own = Settings(data_dir=tmp_path / "data")
    result = run(own, "index", "--docs", str(docs), "--only")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "1 documents, 1 sections; 3 entries embedded, 0 reused, 0 removed",
        "skipped 1 file of other kinds left out: .xlsx",
        "skipped empty.md: holds no text; remove it, or write something into it",
    ]
    assert result.stderr.splitlines()[-1] == "indexing: 3 of 3 entries"
    only = {"ADVISOR_KNOWLEDGE_ONLY": "true", "ADVISOR_KNOWLEDGE_DIR": str(docs)}
    answer = run(own, "ask", "Why do zebras have stripes?", "--json", **only)
    assert json.loads(answer.stdout)["citations"][0]["document"] == "zebra.html"
    assert "skipped empty.md" in answer.stderr
    again = run(own, "index", "--rebuild", **only)
    assert "3 entries embedded, 0 reused" in again.stdout


def test_a_folder_that_gives_nothing_is_an_error(tmp_path: Path) -> None:
    result = run(Settings(data_dir=tmp_path / "data"), "index", "--docs", str(tmp_path), "--only")
    assert result.returncode == 2
    assert result.stderr == f"error: no guidance in {tmp_path}\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "hint"),
    [
        (["ask"], {}, "ask what?"),
        (["eval", "--cases", "/no/such"], {}, "no folder"),
        (["decide", "--jsonl"], {"ADVISOR_FRAMEWORK": "/no/such.yaml"}, "cannot be read"),
        (["index", "--docs", "/no/such"], {}, "no folder /no/such"),
        (["index", "--only"], {}, "ADVISOR_KNOWLEDGE_ONLY: needs ADVISOR_KNOWLEDGE_DIR"),
        (["decide", "--jsonl"], {"ADVISOR_TYPO": "1"}, "no such setting"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(
    settings: Settings, arguments: list[str], environment: dict[str, str], hint: str
) -> None:
    result = run(settings, *arguments, **environment)
    assert result.returncode == 2
    assert hint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_eval_measures_a_folder_beside_the_naive_reader(cli_settings: Settings, tmp_path: Path) -> None:
    for name, count in (("decisions", 12), ("replies", 5), ("acts", 5)):
        lines = (ROOT / "tests" / "cases" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[:count]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "figures.json"
    page = tmp_path / "scorecard.md"
    result = run(cli_settings, "eval", "--cases", str(tmp_path), "--json", str(out), "--scorecard", str(page))
    assert result.returncode == 0, result.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["decisions"]["cases"] == 12
    assert 0 < figures["decisions"]["naive reader"]["mean accuracy of one answer"] < 1
    assert {"replies", "acts"} <= figures.keys()
    for measure in ("joint accuracy of the answers", "decision in dialogue, exact", "joint, lang en", "act accuracy"):
        assert measure in result.stdout
    assert "naive reader" in result.stdout
    text = page.read_text(encoding="utf-8")
    assert f"| act accuracy | {figures['acts']['act accuracy']} |" in text
    assert "## Answers to questions" not in text  # there were no cases for it


def test_the_terminal_chat_talks(cli_settings: Settings) -> None:
    result = run(cli_settings, "chat", lines="hello\nHow it behaves\n")
    assert result.returncode == 0
    assert "Noted: it must behave a certain way" in result.stdout

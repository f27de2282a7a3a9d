"""The framework file is checked when loaded; a bad one is named by line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import Advisor
from advisor.framework import Framework, FrameworkError, load_framework
from advisor.outcomes import outcome_table
from tests.conftest import ROOT

TEXT = (ROOT / "knowledge" / "framework.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def broken(tmp_path: Path, old: str, new: str) -> tuple[Path, int]:
    assert TEXT.count(old) >= 1
    path = tmp_path / "framework.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return path, line_of(TEXT, old)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("points: {behavior: 6}", "points: {behavior: lots}", "points.behavior"),
        ("points: {behavior: 6}", "points: {behavior: 60}", "points.behavior"),
        ("label: How it behaves", "label: ''", "label"),
        ("short: Is it mainly behaviour", "shrt: Is it mainly behaviour", "questions.0.s"),
        ("  - id: change", "  - id: 9change", "id"),
    ],
)
def test_a_bad_value_is_named_by_line_and_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    path, line = broken(tmp_path, old, new)
    with pytest.raises(FrameworkError) as error:
        load_framework(path)
    assert key in str(error.value)
    named = int(str(error.value).split("line ")[1].split(",")[0])
    # a missing key is named at its question, some lines above
    assert line - 8 <= named <= line


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("{outcome: rag, at_least", "{outcome: raag, at_least", "raag"),
        ("  - {outcome: rag_first}", "  - {outcome: rag_first, at_least: {knowledge: 1}}", "last one"),
        ("points: {behavior: 6}", "points: {charm: 6}", "charm"),
        ("when: {need: behavior, change: frequent}", "when: {need: behavior, change: never}", "never"),
        ("  - id: change", "  - id: need", "twice"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    path, _ = broken(tmp_path, old, new)
    with pytest.raises(FrameworkError, match=word):
        load_framework(path)


def test_a_file_that_is_no_yaml_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "framework.yaml"
    path.write_text("version: 1\nquestions: [\n", encoding="utf-8")
    with pytest.raises(FrameworkError, match="line 3"):
        load_framework(path)
    with pytest.raises(FrameworkError, match="cannot be read"):
        load_framework(tmp_path / "missing.yaml")
    path.write_text("just words", encoding="utf-8")
    with pytest.raises(FrameworkError, match="must hold keys"):
        load_framework(path)


def test_every_rule_rests_on_a_quote_that_stands_in_the_guidance(framework: Framework) -> None:
    sources = [option.source for question in framework.questions for option in question.options]
    sources += [question.source for question in framework.questions]
    sources += [outcome.source for outcome in framework.outcomes.values()]
    advisor = Advisor()
    sections = {(section.document, section.heading): section for section in advisor.sections}
    for source in sources:
        section = sections[source.document, source.section]
        assert source.quote in section.units, f"{source}: {source.quote}"
    for outcome in framework.outcomes.values():
        assert sections[outcome.first_steps.document, outcome.first_steps.section].steps


def test_no_module_knows_the_subject_by_name() -> None:
    outcomes = {"rag_first", "fine_tuning", "'rag'", '"rag"', "knowledge:", "behavior"}
    for path in (ROOT / "advisor").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        # docstrings may give examples
        code = "".join(part for i, part in enumerate(code.split('"""')) if i % 2 == 0)
        assert not {word for word in outcomes if word in code}, path


def test_the_table_of_outcomes_is_the_one_on_file(framework: Framework) -> None:
    """A change of the framework shows in the diff of the file that `make outcomes` writes."""
    assert outcome_table(framework) == (ROOT / "knowledge" / "outcomes.csv").read_text(encoding="utf-8")

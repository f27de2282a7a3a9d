"""The decision framework as typed data, loaded from YAML and checked before anything uses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Points = dict[str, Annotated[int, Field(ge=-6, le=6)]]


Position = tuple[int, int]  # on the plane, an axis each


class FrameworkError(ValueError):
    """A framework file that cannot be used; the message names file, line and key."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Value):
    """A place in the guidance, `document.md#Section heading` in YAML, and the sentence there that a rule rests on."""

    document: Text
    section: Text
    quote: str = ""

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        given = {"at": value} if isinstance(value, str) else dict(value)
        document, _, section = str(given.pop("at", "")).partition("#")
        return {"document": document, "section": section} | given

    def __str__(self) -> str:
        return f"{self.document}#{self.section}"


class Axis(_Value):
    """One direction in which answers move a case."""

    name: Text
    means: Text


class Outcome(_Value):
    """What can be recommended."""

    name: Text
    headline: Text
    summary: Text
    because: Text
    source: Source
    first_steps: Source


class Region(_Value):
    """A part of the plane: every bound in `at_least` must hold."""

    outcome: str
    at_least: dict[str, int] = {}

    def holds(self, position: Mapping[str, int]) -> bool:
        """Tell whether a position, axis id to number, lies in the region."""
        return all(position[axis] >= bound for axis, bound in self.at_least.items())


class Option(_Value):
    """An answer to a question.

    label: the quick reply. says: the answer as a clause, to repeat what was understood.
    short_forms: replies that mean this option while the question is open.
    combines: options that together mean this one.
    """

    id: Identifier
    label: Text
    says: Text
    short_forms: tuple[Text, ...] = ()
    combines: tuple[str, ...] = ()
    points: Points = {}
    because: Text
    source: Source


class Question(_Value):
    """A question of the framework.

    ask: the question in full. short: the same after a digression. why: why it is asked. explain: what it means.
    refines: makes it a refiner, which counts, and is asked, only where each question named here has one of the
    options named; refiners stand after the others, and are asked only while they can change something.
    """

    id: Identifier
    name: Text
    ask: Text
    short: Text
    why: Text
    explain: Text
    source: Source
    refines: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    options: Annotated[tuple[Option, ...], Field(min_length=2)]

    @cached_property
    def option_ids(self) -> tuple[str, ...]:
        """The ids of the options, in their order."""
        return tuple(option.id for option in self.options)

    def option(self, option_id: str) -> Option:
        """Return the option with this id. Raises KeyError when there is none."""
        for option in self.options:
            if option.id == option_id:
                return option
        raise KeyError(option_id)


class Contradiction(_Value):
    """A combination of answers that deserves a second look."""

    when: Annotated[dict[str, str], Field(min_length=2)]
    says: Text


class Advice(_Value):
    """Something to say along with an outcome: a risk, or what to try first.

    outcomes: the outcomes that it goes with. when: answers that must be known for it, question id to option ids.
    """

    kind: Literal["risk", "try_first"]
    outcomes: Annotated[tuple[str, ...], Field(min_length=1)]
    when: dict[str, tuple[str, ...]] = {}
    says: Text
    source: Source

    def fits(self, outcome: str, answers: Mapping[str, Collection[str]]) -> bool:
        """Tell whether it goes with an outcome and answers, question id to possible options."""
        return outcome in self.outcomes and all(
            question in answers and set(answers[question]) <= set(options) for question, options in self.when.items()
        )


class Framework(_Value):
    """Everything that decides: axes, outcomes, regions, questions, contradictions and advice.

    refine_from: a refiner is asked when its answer is expected to tell at least so much of the outcome, in bits.
    """

    version: Text
    title: Text
    axes: Annotated[dict[Identifier, Axis], Field(min_length=2, max_length=2)]
    outcomes: dict[Identifier, Outcome]
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    refine_from: Annotated[float, Field(ge=0)] = 0.0
    contradictions: tuple[Contradiction, ...] = ()
    advice: tuple[Advice, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Question]:
        """The questions by id, in their order."""
        return {question.id: question for question in self.questions}

    @cached_property
    def core(self) -> tuple[Question, ...]:
        """The questions that always count, which come first; the others are refiners."""
        return tuple(question for question in self.questions if not question.refines)

    def question(self, question_id: str) -> Question:
        """Return the question with this id. Raises KeyError when there is none."""
        return self.by_id[question_id]

    def points(self, question_id: str, option_id: str) -> Position:
        """Return the points of an option, one per axis in the order of `axes`."""
        points = self.by_id[question_id].option(option_id).points
        first, second = self.axes
        return points.get(first, 0), points.get(second, 0)

    def outcome_at(self, position: Position) -> str:
        """Return the outcome of a point of the plane, coordinates in the order of `axes`."""
        if position not in self._outcome_at:
            named = dict(zip(self.axes, position, strict=True))
            self._outcome_at[position] = next(region.outcome for region in self.regions if region.holds(named))
        return self._outcome_at[position]

    @cached_property
    def _outcome_at(self) -> dict[Position, str]:
        return {}  # looked up thousands of times a decision

    @model_validator(mode="after")
    def _is_consistent(self) -> Framework:
        problems = list(_inconsistencies(self))
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _inconsistencies(framework: Framework) -> list[str]:
    problems = []
    for region in framework.regions:
        if region.outcome not in framework.outcomes:
            problems.append(f"regions: outcome '{region.outcome}' is not one of the outcomes")
        problems += [f"regions: '{axis}' is not an axis" for axis in region.at_least if axis not in framework.axes]
    if framework.regions[-1].at_least:
        problems.append("regions: the last one must have no bounds, so that every case has an outcome")
    ids = [question.id for question in framework.questions]
    problems += [f"questions: id '{i}' is there twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    options = {question.id: question.option_ids for question in framework.questions}
    for question in framework.questions:
        if len(set(question.option_ids)) < len(question.option_ids):
            problems.append(f"questions: '{question.id}' has two options with one id")
        for option in question.options:
            problems += [
                f"questions: '{question.id}.{option.id}' has points on '{axis}', which is not an axis"
                for axis in option.points
                if axis not in framework.axes
            ]
    if framework.questions[: len(framework.core)] != framework.core:
        problems.append("questions: those with 'refines' must stand after those without")
    core = {question.id for question in framework.core}
    for question in framework.questions:
        problems += [
            f"questions: '{question.id}' refines '{other}', which is not a question that always counts"
            for other in question.refines
            if other not in core
        ]
    named = [("contradictions", q, {o}) for c in framework.contradictions for q, o in c.when.items()]
    named += [("advice", q, set(o)) for advice in framework.advice for q, o in advice.when.items()]
    named += [("questions", q, set(o)) for question in framework.questions for q, o in question.refines.items()]
    problems += [
        f"{where}: '{question}: {', '.join(sorted(chosen))}' is not an answer of the framework"
        for where, question, chosen in named
        if not chosen <= set(options.get(question, ()))
    ]
    problems += [
        f"advice: outcome '{outcome}' is not one of the outcomes"
        for advice in framework.advice
        for outcome in advice.outcomes
        if outcome not in framework.outcomes
    ]
    return problems


def load_framework(path: Path) -> Framework:
    """Read and check a framework file.

    Args:
        path: a YAML file in UTF-8.

    Raises:
        FrameworkError: the file is missing, is not YAML, or breaks a rule; names the line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise FrameworkError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise FrameworkError(f"{path}{where}: is not valid YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(data, dict):
        raise FrameworkError(f"{path}, line 1: the file must hold keys such as 'version' and 'questions'")
    try:
        return Framework.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        line, key = _locate(node, first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise FrameworkError(f"{path}, line {line}, {key or 'whole file'}: {message}") from error


def _locate(node: Any, loc: tuple[int | str, ...]) -> tuple[int, str]:
    """Follow a pydantic error location through the YAML nodes as far as they go; lines count from 1."""
    line = node.start_mark.line + 1
    for step in loc:
        child = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    child, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            child = node.value[step]
            line = child.start_mark.line + 1
        if child is None:
            break
        node = child
    return line, ".".join(str(step) for step in loc)

"""Patterns that read an answer or an act where words alone decide it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from advisor.conversation import Act
from advisor.text import Span

Pattern = re.Pattern[str]


class Cues:
    """Patterns per question and option (`cues.yaml`), and per act (`act_cues.yaml`)."""

    def __init__(self, answers: dict[str, dict[str, list[Pattern]]], acts: dict[Act, list[Pattern]]) -> None:
        self._answers = answers
        self._acts = acts

    @classmethod
    def load(cls, folder: Path) -> Cues:
        """Read both files of a folder; one that is missing gives no cues."""
        answers = _read(folder / "cues.yaml").get("answers", {})
        acts = _read(folder / "act_cues.yaml")
        return cls(
            {
                question: {option: _compiled(patterns) for option, patterns in options.items()}
                for question, options in answers.items()
            },
            {Act(act): _compiled(patterns) for act, patterns in acts.items()},
        )

    def answers(self, text: str) -> dict[str, dict[str, Span]]:
        """Return question to option to where its first pattern matches, in characters of the text."""
        found: dict[str, dict[str, Span]] = {}
        for question, options in self._answers.items():
            for option, patterns in options.items():
                for pattern in patterns:
                    if match := pattern.search(text):
                        found.setdefault(question, {})[option] = match.span()
                        break
        return found

    def act(self, text: str) -> Act | None:
        """Return the first act, in the order of the file, that has a matching pattern."""
        for act, patterns in self._acts.items():
            if any(pattern.search(text) for pattern in patterns):
                return act
        return None


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _compiled(patterns: list[str] | None) -> list[Pattern]:
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns or ()]

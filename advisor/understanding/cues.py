"""Patterns that tell what a user does where the words alone decide it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from advisor.conversation import Act

Pattern = re.Pattern[str]


class Cues:
    """The patterns of an `act_cues.yaml`.

    Args:
        path: act to regular expressions, `take_back` for what withdraws an answer, `restore` for what withdraws a
            correction, and `supposes` for how a supposition begins; a missing file gives no cues.
    """

    def __init__(self, path: Path) -> None:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        compiled = {name: [re.compile(p, re.IGNORECASE) for p in patterns] for name, patterns in data.items()}
        self._take_back = compiled.pop("take_back", [])
        self._restore = compiled.pop("restore", [])
        self._supposes = compiled.pop("supposes", [])
        self._acts = {Act(name): patterns for name, patterns in compiled.items()}

    def act(self, text: str) -> Act | None:
        """Return the first act, in the order of the file, that has a matching pattern."""
        for act, patterns in self._acts.items():
            if any(pattern.search(text) for pattern in patterns):
                return act
        return Act.CORRECT if self.takes_back(text) else None

    def supposed(self, text: str) -> str:
        """Return what a supposition supposes, as a statement."""
        for pattern in self._supposes:
            text = pattern.sub("", text)
        return text.strip(" ,?!.") + "."

    def takes_back(self, text: str) -> bool:
        """Tell whether the text withdraws an answer."""
        return any(pattern.search(text) for pattern in self._take_back)

    def restores(self, text: str) -> bool:
        """Tell whether the text withdraws a correction."""
        return any(pattern.search(text) for pattern in self._restore)

"""Case files, and small sums that all measures share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from advisor.conversation import Conversation

Case = dict[str, Any]


def load_cases(path: Path) -> list[Case]:
    """Read a JSON Lines file; a missing one has no cases."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def share(hits: Iterable[bool]) -> float:
    """Return the share of true ones, 0 for none."""
    found = list(hits)
    return round(sum(found) / len(found), 3) if found else 0.0


def known(conversation: Conversation) -> dict[str, str]:
    """Return question id to option id for what is known for certain."""
    return {q: answer.options[0] for q, answer in conversation.answers.items() if len(answer.options) == 1}

"""The words said to users and models: templates from `prompts/*.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from advisor.settings import ROOT

PROMPTS = ROOT / "prompts"


class Wording:
    """Templates by key; `{name}` stands for a value."""

    def __init__(self, templates: dict[str, Any]) -> None:
        self._templates = templates

    def __call__(self, key: str, **values: object) -> str:
        """Return a template with its values filled in. Raises KeyError when the key or a value is missing."""
        return str(self._templates[key]).strip().format(**values)

    def list(self, *keys: str) -> tuple[Any, ...]:
        """Return a list, by its key and those it stands under."""
        found: Any = self._templates
        for key in keys:
            found = found[key]
        return tuple(found)

    def mapping(self, key: str) -> dict[str, Any]:
        """Return the templates that stand under a key."""
        return dict(self._templates[key])


@cache
def wording(name: str) -> Wording:
    """Load `prompts/NAME.yaml`."""
    return Wording(yaml.safe_load((Path(PROMPTS) / f"{name}.yaml").read_text(encoding="utf-8")))

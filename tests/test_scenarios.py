"""Conversations named in sentences; see tests/scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor import Advisor
from advisor.evaluation.conversations import run_conversation
from tests.conftest import ROOT

SCENARIOS = [
    pytest.param(scenario, id=f"{path.stem}: {scenario['scenario']}")
    for path in sorted(Path(ROOT / "tests" / "scenarios").glob("*.yaml"))
    for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(advisor: Advisor, scenario: dict[str, Any]) -> None:
    assert run_conversation(advisor, scenario) == []

"""Settings come from ADVISOR_* variables; a bad one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import Settings
from advisor.settings import SettingsError
from tests.conftest import ROOT


def test_nothing_set_means_no_model_and_no_network() -> None:
    settings = Settings.from_environment({"HOME": "/root", "ADVISOR_MODEL": "none", "ADVISOR_CHROMA_URL": " "})
    assert settings == Settings()
    assert settings.model is None
    assert settings.chroma_url is None


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ADVISOR_MODEL_TIMEOUT", "soon", "number"),
        ("ADVISOR_MODEL_URL", "nowhere", "URL"),
        ("ADVISOR_KNOWLEDGE_DIR", "/no/such/folder", "no folder"),
        ("ADVISOR_MODELL", "x", "no such setting"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}.*{hint}"):
        Settings.from_environment({name: value})


def test_the_readme_lists_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for field in Settings.model_fields:
        assert f"`ADVISOR_{field.upper()}`" in readme


def test_a_folder_that_cannot_be_written_is_replaced(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    chosen = Settings(data_dir=blocked / "below").writable_data_dir()
    assert chosen.is_dir()
    assert tmp_path not in chosen.parents

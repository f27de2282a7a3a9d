"""Settings from the environment. All are optional; the defaults need no network, key or model server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError

ROOT = Path(__file__).resolve().parent.parent
KNOWLEDGE = ROOT / "knowledge"  # what is shipped here
SCORECARD = ROOT / "docs" / "scorecard.md"  # written by `make scorecard`
PREFIX = "ADVISOR_"


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and says what is wrong."""


class Settings(BaseModel):
    """One field per ADVISOR_* variable: the field `data_dir` is ADVISOR_DATA_DIR.

    model: chat model that words answers, PROVIDER:NAME (advisor/chat_models.py has the providers), none by default.
    model_url: base URL of the model's server; by default the provider's own.
    model_key: key for that server; a local one usually wants none.
    model_timeout: seconds for the model's whole answer, after which the extractive one stands.
    reader: what reads the answers out of free text, "embedded" by default, or "model" for the chat model.
    embeddings: sentence-transformers model, a path or a hub name; by default the packaged all-MiniLM-L6-v2.
    chroma_url: a Chroma server; by default the index is embedded and lives in `data_dir`.
    knowledge_dir: folder with the user's own guidance (Markdown, text, HTML, PDF, DOCX).
    knowledge_only: use `knowledge_dir` alone, without the guidance shipped here.
    framework: the decision framework file.
    data_dir: where the index is kept; it can be deleted at any time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str | None = None
    model_url: AnyHttpUrl | None = None
    model_key: str | None = None
    model_timeout: Annotated[float, Field(gt=0, le=600)] = 20.0
    reader: Literal["embedded", "model"] = "embedded"
    embeddings: str | None = None
    chroma_url: AnyHttpUrl | None = None
    knowledge_dir: Path | None = None
    knowledge_only: bool = False
    framework: Path = KNOWLEDGE / "framework.yaml"
    data_dir: Path = Path(".data")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read ADVISOR_* variables; empty ones count as unset.

        Raises:
            SettingsError: a variable is unknown or its value cannot be used.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and value.strip()
        }
        if given.get("model", "").lower() == "none":
            del given["model"]
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + str(first["loc"][0]).upper()
            hint = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
            raise SettingsError(f"{name}: {hint}") from error
        if settings.reader == "model" and settings.model is None:
            raise SettingsError(f"{PREFIX}READER: model needs {PREFIX}MODEL, which is not set")
        if settings.knowledge_only and settings.knowledge_dir is None:
            raise SettingsError(f"{PREFIX}KNOWLEDGE_ONLY: needs {PREFIX}KNOWLEDGE_DIR, which is not set")
        if settings.knowledge_dir and not settings.knowledge_dir.is_dir():
            raise SettingsError(f"{PREFIX}KNOWLEDGE_DIR: there is no folder {settings.knowledge_dir}")
        return settings

    def knowledge_folders(self) -> list[Path]:
        """Return the folders that the guidance is read from."""
        own = [self.knowledge_dir.resolve()] if self.knowledge_dir else []
        return own if self.knowledge_only else [KNOWLEDGE, *own]

    def writable_data_dir(self) -> Path:
        """Return `data_dir`, or a folder in the system's temporary one where it cannot be written (as on a Space)."""
        for folder in (self.data_dir, Path(tempfile.gettempdir()) / "tune-or-retrieve"):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    return folder.resolve()
            except OSError:
                continue
        return Path(tempfile.mkdtemp(prefix="tune-or-retrieve-"))


def phrases_folder(settings: Settings) -> Path:
    """Return where the training phrases are: beside the framework."""
    return settings.framework.parent / "phrases"


def reader_file(settings: Settings) -> Path:
    """Return where the trained reader is kept: beside the framework."""
    return settings.framework.parent / "reader.safetensors"

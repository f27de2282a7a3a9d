"""The chat model of `ADVISOR_MODEL`: a prefix says who runs it. Imports are heavy, so they happen late."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from advisor.models import ModelError
from advisor.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MAX_TOKENS = 300  # of an answer; four short sentences need fewer
CONTEXT = 8192  # tokens of prompt and answer that a GGUF file is given room for
BATCH = 256  # tokens read between two looks at whether the request was given up
OLLAMA = "http://127.0.0.1:11434/v1"
HUGGING_FACE = "https://router.huggingface.co/v1"


def load_chat_model(settings: Settings) -> BaseChatModel | None:
    """Return the configured chat model, or None when answers are to be extractive.

    Raises:
        ModelError: the model cannot be used; the message names the variable and says what to do.
    """
    if settings.model is None:
        return None
    provider, _, name = settings.model.partition(":")
    if not name:
        raise ModelError(f"ADVISOR_MODEL: {settings.model} names no provider; write one of {', '.join(_examples())}")
    try:
        return PROVIDERS.get(provider, _other)(name, settings)
    except ModelError:
        raise
    except Exception as error:  # the libraries raise many kinds
        raise ModelError(f"ADVISOR_MODEL: {settings.model} cannot be used ({error})") from error


def _openai(name: str, settings: Settings) -> BaseChatModel:
    """OpenAI itself, or any server that speaks its language: vLLM, llama.cpp, LM Studio."""
    key = settings.model_key or os.environ.get("OPENAI_API_KEY")
    if settings.model_url is None and key is None:
        raise ModelError("ADVISOR_MODEL: openai needs ADVISOR_MODEL_URL for a server of yours, or ADVISOR_MODEL_KEY")
    return _compatible(name, settings, str(settings.model_url) if settings.model_url else None, key)


def _ollama(name: str, settings: Settings) -> BaseChatModel:
    return _compatible(name, settings, str(settings.model_url or OLLAMA), settings.model_key)


def _inference(name: str, settings: Settings) -> BaseChatModel:
    """Hugging Face's inference providers."""
    key = settings.model_key or os.environ.get("HF_TOKEN")
    if key is None:
        raise ModelError("ADVISOR_MODEL: huggingface-inference needs a token in ADVISOR_MODEL_KEY or HF_TOKEN")
    return _compatible(name, settings, str(settings.model_url or HUGGING_FACE), key)


def _compatible(name: str, settings: Settings, url: str | None, key: str | None) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model=name,
        base_url=url,
        api_key=SecretStr(key or "none"),  # a local server wants none, the client wants one
        temperature=0,
        max_completion_tokens=MAX_TOKENS,
        extra_body={"max_tokens": MAX_TOKENS} if url else None,  # older servers know only this name
        timeout=settings.model_timeout,
        max_retries=1,  # of a refused connection, 429 and 5xx; never once words have come
    )


def _transformers(name: str, settings: Settings) -> BaseChatModel:
    from advisor.transformers_chat import TransformersChat

    return TransformersChat.load(name, MAX_TOKENS)


def _gguf(name: str, settings: Settings) -> BaseChatModel:
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(f"ADVISOR_MODEL: there is no file {path}")
    server, key = _serve(path)
    return _compatible(path.stem, settings, f"{server.listening_address}/v1", key)


@cache  # a server lives as long as the process
def _serve(path: Path) -> tuple[Any, str]:
    """Serve a GGUF file on a free port of loopback; return the server and its key, which nobody else knows."""
    try:
        import xllamacpp
    except ImportError:
        raise ModelError("ADVISOR_MODEL: gguf needs a package: pip install xllamacpp") from None
    params, key = xllamacpp.CommonParams(), secrets.token_urlsafe()
    params.model.path, params.n_ctx, params.n_parallel = str(path), CONTEXT, 1
    params.n_batch = params.n_ubatch = BATCH
    params.cpuparams.poll = params.cpuparams_batch.poll = 0  # threads that wait busily would starve the client
    params.api_keys, params.endpoint_slots, params.ui, params.verbosity = [key], False, False, -1
    return xllamacpp.Server(params), key


def _other(name: str, settings: Settings) -> BaseChatModel:
    """Any other provider that LangChain has a package for, such as `anthropic:NAME`."""
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"temperature": 0, "max_tokens": MAX_TOKENS}
    options |= {"timeout": settings.model_timeout, "max_retries": 1}
    if settings.model_url:
        options["base_url"] = str(settings.model_url)
    if settings.model_key:
        options["api_key"] = settings.model_key
    return cast("BaseChatModel", init_chat_model(settings.model, **options))


def _examples() -> list[str]:
    return [f"{provider}:NAME" for provider in PROVIDERS]


PROVIDERS: dict[str, Callable[[str, Settings], BaseChatModel]] = {
    "openai": _openai,
    "ollama": _ollama,
    "huggingface-inference": _inference,
    "huggingface": _transformers,
    "gguf": _gguf,
}

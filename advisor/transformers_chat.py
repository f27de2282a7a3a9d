"""A Hugging Face model in this process, streamed token by token. LangChain's own cannot be stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import torch
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    StoppingCriteria,
    StoppingCriteriaList,
    TextStreamer,
)


class TransformersChat(BaseChatModel):
    """Answers with a transformers model; one answer at a time, since each takes all cores."""

    name_or_path: str
    max_tokens: int
    _model: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _turn: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def load(cls, name_or_path: str, max_tokens: int) -> TransformersChat:
        """Load a model from a folder or the hub.

        Raises:
            ValueError: its tokenizer has no chat template.
        """
        chat = cls(name_or_path=name_or_path, max_tokens=max_tokens)
        chat._tokenizer = AutoTokenizer.from_pretrained(name_or_path)
        if not chat._tokenizer.chat_template:
            raise ValueError("it has no chat template, so it is no chat model")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model: Any = AutoModelForCausalLM.from_pretrained(name_or_path, dtype=_dtype(device))
        chat._model = model.to(device).eval()
        return chat

    @property
    def _llm_type(self) -> str:
        return "transformers"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said: list[str] = []
        self._answer(messages, said.append, threading.Event())
        return ChatResult(generations=[ChatGeneration(message=AIMessage("".join(said)))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        loop, stopped = asyncio.get_running_loop(), threading.Event()

        def say(piece: str | None) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, piece)

        def work() -> None:
            try:
                self._answer(messages, say, stopped)
            finally:
                say(None)

        answer = loop.run_in_executor(None, work)
        try:
            while (piece := await queue.get()) is not None:
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            await answer  # raises what went wrong
        finally:
            stopped.set()  # ends the generation at its next token

    def _answer(self, messages: list[BaseMessage], say: Callable[[str], None], stopped: threading.Event) -> None:
        given = self._tokenizer.apply_chat_template(
            convert_to_openai_messages(messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(self._model.device)
        with self._turn, torch.inference_mode():
            self._model.generate(
                **given,
                max_new_tokens=self.max_tokens,
                do_sample=False,
                streamer=_Sayer(self._tokenizer, say),
                stopping_criteria=StoppingCriteriaList([_Stop(stopped)]),
            )


class _Sayer(TextStreamer):
    """Hands on each word as soon as no token can change it."""

    def __init__(self, tokenizer: Any, say: Callable[[str], None]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._say = say

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        if text:
            self._say(text)


class _Stop(StoppingCriteria):
    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._stopped.is_set(), device=input_ids.device)


def _dtype(device: str) -> torch.dtype:
    """Half the memory where the processor computes in bfloat16 as fast, full precision elsewhere."""
    fast = torch.cuda.is_bf16_supported() if device == "cuda" else torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32

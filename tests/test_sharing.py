"""A case travels in a token; a token that is damaged is refused with a sentence."""

from __future__ import annotations

import base64
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.conversation import Answer, Conversation, Exchange
from advisor.sharing import TokenError, from_token, to_token

CASE = Conversation(
    session="s1",
    framework="2026.1",
    answers={"need": Answer(options=("knowledge",), how="stated", quote="“facts”, ünïcode 🐝")},
    asked="change",
    exchanges=(Exchange(user="private words", advisor="reply"),),
)


def test_a_case_comes_back_without_what_was_said_beside_the_answers() -> None:
    restored = from_token(to_token(CASE))
    assert restored == CASE.model_copy(update={"exchanges": (), "session": ""})
    assert len(to_token(CASE)) < 400


@given(st.text(max_size=200))
def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        from_token(token)


@given(st.data())
def test_an_altered_token_is_refused_or_another_valid_case(data: st.DataObject) -> None:
    token = to_token(CASE)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_"))
    with suppress(TokenError):
        assert isinstance(from_token(token[:place] + letter + token[place + 1 :]), Conversation)


def test_a_small_token_cannot_unpack_into_a_flood() -> None:
    flood = base64.urlsafe_b64encode(zlib.compress(b'{"session":"' + b"x" * 5_000_000 + b'"}', 9)).decode()
    with pytest.raises(TokenError, match=r"too much|too long"):
        from_token(flood)
    with pytest.raises(TokenError, match="too long"):
        from_token("A" * 20_000)

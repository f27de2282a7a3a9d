"""The advisor as a whole: what works before models are loaded, and what it does with odd messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import Advisor, Conversation, Settings
from advisor.advisor import MAX_MESSAGE


def test_the_first_questions_work_before_any_model_is_loaded(tmp_path: Path) -> None:
    cold = Advisor(Settings(data_dir=tmp_path))
    conversation = Conversation()
    for message in ["hello", "Facts it looks up", "Daily or weekly", "Not sure", "just tell me"]:
        turn = cold.turn(conversation, message)
        conversation = turn.conversation
    assert turn.decision is not None
    assert turn.decision["outcome"] == "rag"
    assert turn.citations
    assert not cold.ready


def test_a_failed_load_is_told_and_not_waited_for(tmp_path: Path) -> None:
    broken = Advisor(Settings(data_dir=tmp_path, embeddings="/no/such/model"))
    with pytest.raises(Exception, match="/no/such/model"):
        broken.wait()
    assert not broken.ready
    assert broken.turn(Conversation(), "hello").reply  # what needs no model goes on


@pytest.mark.parametrize(
    "message", ["\x00", "\ud800 hello", "﷽" * 50, "a" * MAX_MESSAGE, "👩‍👩‍👧‍👦", "\u202eabc", "1\n" * 3000]
)
def test_odd_messages_change_nothing(advisor: Advisor, message: str) -> None:
    turn = advisor.turn(Conversation(), message)
    assert turn.reply
    assert not turn.conversation.answers


def test_a_message_that_is_too_long_keeps_what_was_known(advisor: Advisor) -> None:
    known = advisor.turn(Conversation(), "Daily or weekly").conversation
    turn = advisor.turn(known, "x" * (MAX_MESSAGE + 1))
    assert turn.conversation == known
    assert str(MAX_MESSAGE) in turn.reply
    assert turn.decision is not None
    assert turn.suggestions


def test_turns_are_reproducible_and_the_conversation_survives_json(advisor: Advisor) -> None:
    first = advisor.turn(Conversation(session="a"), "Our prices change daily and we have no money.")
    again = advisor.turn(Conversation(session="a"), "Our prices change daily and we have no money.")
    assert {**first.to_record(), "elapsed_ms": 0} == {**again.to_record(), "elapsed_ms": 0}
    assert Conversation.model_validate_json(first.conversation.model_dump_json()) == first.conversation


def test_what_is_unclear_is_confirmed_with_the_users_words(advisor: Advisor) -> None:
    unclear = "Our support bot has to keep our voice."
    turn = advisor.turn(Conversation(), unclear)
    if turn.conversation.guess is None:
        pytest.skip("the model is sure of this one now; choose another")
    assert turn.suggestions[0] == "Yes"
    confirmed = advisor.turn(turn.conversation, "Yes").conversation.answers["need"]
    assert confirmed.how == "confirmed"
    assert confirmed.quote in unclear

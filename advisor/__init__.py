"""Tune or Retrieve: an advisor on fine-tuning a language model, giving it retrieval (RAG), or both.

>>> from advisor import Advisor, Conversation
>>> advisor = Advisor()
>>> turn = advisor.turn(Conversation(), "Our prices change daily and every answer needs its source.")
>>> turn.decision["outcome"]
'rag'
"""

from advisor.advisor import Advisor
from advisor.conversation import Conversation, Turn
from advisor.settings import Settings

__all__ = ["Advisor", "Conversation", "Settings", "Turn"]

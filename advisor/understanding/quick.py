"""Reading what is plain, without a model: quick replies, short replies to the open question, clear acts."""

from __future__ import annotations

from advisor.conversation import Act, Conversation, How, ReadAnswer, Reading
from advisor.framework import Framework
from advisor.text import words
from advisor.understanding.cues import Cues
from advisor.understanding.segments import segment

PLAIN_WORDS = 5  # a message this short can be read by cues alone

_ORDINALS = [
    {"1", "a", "first", "former", "primero", "primera", "erste", "erstes", "premier", "première"},
    {"2", "b", "second", "two", "latter", "segundo", "segunda", "zweite", "zweites", "deuxième"},
    {"3", "c", "third", "three", "last", "tercero", "tercera", "dritte", "drittes", "troisième"},
]
_FILLER = frozenset(
    "the one option number please it is its it's would be i'd say i think that and um well so answer".split()
)
_YES = frozenset(
    {"yes", "yep", "yeah", "right", "correct", "exactly", "true", "that's right", "yes it is", "sí", "si", "ja", "oui"}
)
_NO = frozenset({"no", "nope", "wrong", "not really", "no it isn't", "nein", "non"})


class QuickReader:
    """Reads a message where it is plain."""

    def __init__(self, framework: Framework, cues: Cues) -> None:
        self._framework = framework
        self._cues = cues

    def read(self, message: str, conversation: Conversation) -> Reading | None:
        """Return the reading, or None when the message wants the full reader."""
        if not words(message):
            return Reading(acts=(Act.UNREADABLE,))
        if self._is_rejection(message, conversation):
            return Reading(acts=(Act.CORRECT,), rejected=True)
        if answer := self._chosen(message, conversation) or self._short(message, conversation):
            return Reading(acts=(Act.ANSWER,), answers=(answer,))
        if len(words(message)) <= PLAIN_WORDS and len(segment(message)) == 1:
            act = self._cues.act(message)
            if act and act not in {Act.CORRECT, Act.WHAT_IF, Act.INJECTION}:
                return Reading(acts=(act,))
        return None

    def _is_rejection(self, message: str, conversation: Conversation) -> bool:
        """A plain no to what is to be confirmed, where it leaves more than one option."""
        if conversation.asked is None or conversation.guess is None:
            return False
        return " ".join(words(message)) in _NO and len(self._framework.question(conversation.asked).options) > 2

    def _chosen(self, message: str, conversation: Conversation) -> ReadAnswer | None:
        """A quick reply sends its label, of the open question first."""
        said = words(message)
        asked = [q for q in self._framework.questions if q.id == conversation.asked]
        for question in [*asked, *self._framework.questions]:
            for option in question.options:
                if said == words(option.label) and (question in asked or len(said) > 1):
                    return _whole(message, question.id, option.id, how="chosen")
        return None

    def _short(self, message: str, conversation: Conversation) -> ReadAnswer | None:
        if conversation.asked is None or len(words(message)) > 6:
            return None
        question = self._framework.question(conversation.asked)
        said = " ".join(words(message))
        if conversation.guess and said in _YES:
            return _whole(message, question.id, conversation.guess.option, how="confirmed")
        if conversation.guess and said in _NO and len(question.options) == 2:
            (other,) = set(question.option_ids) - {conversation.guess.option}
            return _whole(message, question.id, other)
        core = [word for word in words(message) if word not in _FILLER]
        for i, option in enumerate(question.options):
            forms = {" ".join(words(form)) for form in option.short_forms}
            if said in forms or " ".join(core) in forms:
                return _whole(message, question.id, option.id)
            ordinal = {word for word in words(message) if i < len(_ORDINALS) and word in _ORDINALS[i]}
            if ordinal and not set(core) - ordinal:
                return _whole(message, question.id, option.id)
        return None


def _whole(message: str, question: str, option: str, how: How = "stated") -> ReadAnswer:
    start = len(message) - len(message.lstrip())
    return ReadAnswer.over((start, len(message.rstrip())), question, option, how=how)

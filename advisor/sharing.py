"""A conversation as a short token for a URL, and back. Nothing is stored on the server."""

from __future__ import annotations

import base64
import json
import zlib

from pydantic import ValidationError

from advisor.conversation import Conversation

MAX_TOKEN = 16_384  # characters
MAX_JSON = 200_000  # bytes, so that a small token cannot unpack into a flood


class TokenError(ValueError):
    """A token that is not one of ours, or was cut or altered."""


def to_token(conversation: Conversation) -> str:
    """Return the case as letters, digits, `-` and `_`; what was said beside the answers is left out."""
    case = conversation.model_copy(update={"exchanges": (), "session": ""})
    data = json.dumps(case.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(data.encode(), 9)).decode().rstrip("=")


def from_token(token: str) -> Conversation:
    """Restore the case of a token.

    Raises:
        TokenError: the token cannot be read.
    """
    try:
        if len(token) > MAX_TOKEN:
            raise TokenError("the link is too long to be one of ours")
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, MAX_JSON)
        if not unpacker.eof:
            raise TokenError("the link holds too much to be one of ours")
        return Conversation.model_validate_json(data)
    except (ValueError, zlib.error, ValidationError) as error:
        if isinstance(error, TokenError):
            raise
        raise TokenError("the link is damaged; copy it again, or start a new case") from error

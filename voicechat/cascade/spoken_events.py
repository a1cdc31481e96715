"""Sound inside server-sent events."""

import base64
import binascii

from voicechat.errors import ServiceError


def decode_sound(text: str, name: str) -> bytes:
    """The bytes of a base64 field; `name` is the host, for the message.

    Raises:
        ServiceError: It is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise ServiceError(f"{name} sent sound that cannot be read") from None

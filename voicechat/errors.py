"""What can go wrong, named for what the user can do about it.

Every error that reaches a person is one of these.  Its text is one line that says whose fault it
is; its `hint` is one line that says what to do.  Foreign exceptions are translated once, at the
door where they come in (links, devices, files), and never leave it raw.  No text ever holds a key
or a password.
"""

from voicechat.text.phrase import phrase, without_stop


class VoiceChatError(Exception):
    """Base class.

    Attributes:
        hint: What to try next, one sentence, or empty.
        retryable: Whether trying the same again later can help.
        retry_after_s: Seconds to wait before it: as the other side asked, 0 for at once, or None.
        tries: How often in a row trying it again makes sense; None: as often as one likes.
        other_way: Whether the service may answer over plain HTTPS where the WebSocket failed.
    """

    retryable = False
    other_way = False

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        retry_after_s: float | None = None,
        tries: int | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.tries = tries

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def message(self) -> str:
        """The text without its hint; a phrase stays one."""
        message: str = self.args[0] if self.args else ""
        return message

    @property
    def sentence(self) -> str:
        """The text and its hint, as one phrase."""
        if not self.hint:
            return self.message
        return phrase("{message}. {hint}", message=without_stop(self.message), hint=self.hint)


class ConfigError(VoiceChatError):
    """An option, an environment variable or the config file is wrong: the user can mend it."""


class DeviceError(VoiceChatError):
    """A microphone or loudspeaker cannot be opened, or went away."""


class LinkError(VoiceChatError):
    """The network between us and the service: it could not be reached, or the line broke."""

    retryable = True
    other_way = True


class ProxyError(LinkError):
    """The proxy is at fault, not the service: the message names it, without its password."""


class ProxyRefusedError(ProxyError):
    """The proxy wants something only the user can give (a password, another address)."""

    retryable = False
    other_way = False


class TlsError(LinkError):
    """The server's certificate does not hold: never retried, never waived."""

    retryable = False
    other_way = False


class ServiceError(VoiceChatError):
    """The service is in trouble (overloaded, restarting, broken): later may be better."""

    retryable = True
    other_way = True


class RefusedError(VoiceChatError):
    """The service refused us for good: key, money, model, region.  Only the user can mend it."""


class SessionOverError(ServiceError):
    """A session ended in good order (of age, or nobody spoke): the next may be had at once."""

    other_way = False


class SessionForgottenError(ServiceError):
    """The service cannot go on with an earlier session; a new one may be had."""

    other_way = False


class TooBigError(ServiceError):
    """One message was too big: the line may be had again, but not for that message."""

    other_way = False


class UnansweredError(ServiceError):
    """The model takes a kind of question and never answers it; another one may."""


class UpgradeRefusedError(RefusedError):
    """Something on the way answered the request for a WebSocket with a page of its own.

    Gateways that know no WebSockets do that; whether the service itself refuses us is not known.
    """

    other_way = True

"""How a member of OpenAI's family differs on the wire: the accent of one connection.

The stand-in's inside always speaks the general release (GA).  An accent checks what the client
sends, turns it into GA, and turns GA events into what this provider would send.  This one is
OpenAI's own; `qwen_server`, `xai_server`, `stepfun_server`, `azure_server` and `custom_server`
hold the others.
"""

from typing import Any, ClassVar

from websockets.http11 import Request

from tests.fakes import ga_check, ga_script, ga_settings
from tests.fakes.ga_script import Refusal

JsonObject = dict[str, Any]


class Accent:
    """OpenAI's own.  One for each connection: it may remember.

    `dialect` is the script's: `ga` or `beta`.
    """

    module: ClassVar[str] = "ga_server"
    """Of these fakes, which runs it as a process."""
    paths: ClassVar[tuple[str, ...]] = ("/v1/realtime",)
    """The first is the one to use."""
    key_header: ClassVar[str] = "Authorization"
    key_prefix: ClassVar[str] = "Bearer "
    refuses_by_http: ClassVar[bool] = False
    """Whether a wrong key is met with HTTP 401 in place of an event."""
    input_rate: ClassVar[int] = 24_000
    """Hz of the client's sound."""
    vad_cancels: ClassVar[bool] = True
    """Whether speech over a reply cancels it."""
    answers_while_spoken_to: ClassVar[bool] = True
    """False: `response.create` is refused while the user speaks."""
    keeps_item_ids: ClassVar[bool] = True
    most_sessions: ClassVar[int] = 0
    """At the same time; 0: any number."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.path = self.paths[0]
        """Which of the paths the client called."""

    # -- handshakes ---------------------------------------------------------------------------

    def key(self, request: Request) -> str:
        return request.headers.get(self.key_header, "").removeprefix(self.key_prefix)

    def model(self, query: dict[str, list[str]]) -> str:
        return query.get("model", [""])[0]

    def refusal(self, request: Request, key: str, good_key: str, model: str) -> Refusal | None:
        """The refusals that come after the upgrade, in the service's words."""
        if request.headers.get("OpenAI-Beta") and self.dialect == "ga":
            return ga_script.BETA_HEADER
        if not key or (good_key and key != good_key):
            return ga_script.BAD_KEY if key else ga_script.NO_KEY
        if not model:
            return ga_script.NO_MODEL
        known = self.dialect == "beta" or ga_settings.KNOWN_MODELS.fullmatch(model)
        return None if known else ga_script.BAD_MODEL

    # -- from the client ----------------------------------------------------------------------

    def check(self, message: JsonObject, model: str) -> None:
        """Check one client message.

        Raises:
            Refused: The service would not take it.
        """
        ga_check.check(message, model, self.dialect)

    def update(self, session: JsonObject) -> JsonObject:
        """The `session` of an update, as GA would write it."""
        return ga_settings.nested(session) if self.dialect == "beta" else session

    def request(self, response: JsonObject) -> JsonObject:
        """The `response` of a `response.create`, as GA would write it."""
        return ga_settings.nested_response(response) if self.dialect == "beta" else response

    # -- to the client ------------------------------------------------------------------------

    def events(self, event: JsonObject) -> list[JsonObject]:
        """What this provider sends for one GA event."""
        if self.dialect != "beta":
            return [event]
        old = ga_settings.older(event)
        return [old] if old else []

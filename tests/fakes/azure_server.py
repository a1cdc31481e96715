"""A stand-in for Azure OpenAI's realtime service, written from its published protocol alone.

`AzureServer("normal")` in a test, or `python -m tests.fakes.azure_server --port 0 --log F --script
S`; see `ga_server`, whose inside and scripts it shares.  The path of the preview API speaks the
beta, as the real one does.
"""

from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request

from tests.fakes.ga_accent import Accent
from tests.fakes.ga_script import Refusal, Script
from tests.fakes.ga_server import GaServer, main

JsonObject = dict[str, Any]

DEPLOYMENTS = ("my-voice", "gpt-realtime-2.1")
PREVIEW = "/openai/realtime"


class AzureAccent(Accent):
    """One connection; any model behind it is a deployment."""

    module: ClassVar[str] = "azure_server"
    paths: ClassVar[tuple[str, ...]] = ("/openai/v1/realtime", PREVIEW)
    key_header: ClassVar[str] = "api-key"
    key_prefix: ClassVar[str] = ""
    refuses_by_http: ClassVar[bool] = True

    def key(self, request: Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return super().key(request) or token

    def model(self, query: dict[str, list[str]]) -> str:
        if self.path == PREVIEW:
            self.dialect = "beta"
        return query.get("deployment" if self.path == PREVIEW else "model", [""])[0]

    def refusal(self, request: Request, key: str, good_key: str, model: str) -> Refusal | None:
        """The general release must not be given a version, the preview must be."""
        has_version = "api-version" in parse_qs(urlsplit(request.path).query)
        if has_version != (self.path == PREVIEW):
            return _refused("OperationNotSupported", "api-version is wrong at this path.")
        if model not in DEPLOYMENTS:
            return _refused("DeploymentNotFound", "The deployment does not exist.")
        return None


def _refused(code: str, message: str) -> Refusal:
    error = {"type": "invalid_request_error", "code": code, "message": message}
    return Refusal(error=error, close_code=4000, close_reason=f"invalid_request_error.{code}")


class AzureServer(GaServer):
    """The service on the loopback."""

    def __init__(self, script: Script | str = "normal", **options: Any) -> None:
        super().__init__(script, **options, accent=AzureAccent)


if __name__ == "__main__":
    main(AzureAccent)

"""Azure OpenAI: OpenAI's own language at the user's own address, with another header for the key.

A model is the name of a deployment: `azure/NAME`.  The address is what the portal calls the
endpoint (`https://NAME.openai.azure.com`), with or without the path; that of the preview API
(`/openai/realtime`) speaks the beta.
Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/realtime-audio-websockets
"""

from typing import ClassVar
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from voicechat.errors import ConfigError
from voicechat.providers.base import Http, Profile
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.providers.openai.errors import Codebook
from voicechat.providers.openai.session_update import Shape
from voicechat.text.phrase import phrase

ENDPOINT = "AZURE_OPENAI_ENDPOINT"
NAMELESS = "DEPLOYMENT"
"""Stands where the user must name a deployment."""

_PREVIEW = "/openai/realtime"
_PREVIEW_VERSION = "2025-04-01-preview"
_SCHEMES = {"https": "wss", "http": "ws"}


class AzureDialect(OpenAIDialect):
    """One session."""

    profile: ClassVar[Profile] = Profile(
        name="azure",
        title="Azure OpenAI",
        url="wss://RESOURCE.openai.azure.com/openai/v1/realtime?model={model}",
        default_model=NAMELESS,
        key_env=("AZURE_OPENAI_API_KEY",),
        url_env=(ENDPOINT,),
        needs_url=True,
        key_page="https://ai.azure.com",
        images=True,
        tools=True,
        can_wait=True,
        g711=True,
        # Beside the realtime address; which model answers there is the name of a deployment.
        http=Http("{origin}/openai/v1", chat_model=""),
    )
    codes: ClassVar[Codebook] = Codebook(model=Codebook().model | {"DeploymentNotFound"})
    money_page: ClassVar[str] = "https://portal.azure.com"

    def url(self) -> str:
        """The address of the deployment.

        Raises:
            ConfigError: the endpoint or the deployment is not named.
        """
        deployment = self.settings.model or NAMELESS
        if deployment == NAMELESS:
            raise ConfigError(
                phrase("Azure OpenAI needs the name of your deployment"),
                phrase("Use --model azure/NAME, or set model in [providers.azure]"),
            )
        if not self.settings.url:
            raise ConfigError(
                phrase("There is no address for Azure OpenAI"),
                phrase(
                    "Set {env} to https://NAME.openai.azure.com, or url in [providers.azure]",
                    env=ENDPOINT,
                ),
            )
        try:
            return _address(_split(self.settings.url), deployment)
        except ValueError:  # The link says what is wrong with it.
            return self.settings.url

    def authorization(self) -> dict[str, str]:
        """A key, or a token of Microsoft Entra, which is a JSON Web Token."""
        key = self.settings.api_key
        if self.settings.key_header:
            return super().authorization()
        if key.startswith("eyJ") and key.count(".") == 2:
            return {"Authorization": f"Bearer {key}"}
        return {"api-key": key}

    def first_shape(self) -> Shape:
        return "beta" if _is_preview(_split(self.settings.url)) else "ga"


def _split(url: str) -> SplitResult:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    return parts._replace(scheme=_SCHEMES.get(parts.scheme, parts.scheme))


def _is_preview(parts: SplitResult) -> bool:
    return parts.path.rstrip("/") == _PREVIEW


def _address(parts: SplitResult, deployment: str) -> str:
    """The whole address; the general release must not be given a version."""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if _is_preview(parts):
        query = {"api-version": _PREVIEW_VERSION, **query, "deployment": deployment}
        return urlunsplit(parts._replace(query=urlencode(query)))
    query.pop("api-version", None)
    path = parts.path.rstrip("/")
    if path in ("", "/openai"):
        path = "/openai/v1"
    path = f"{path}/realtime" if path.endswith("/v1") else path
    return urlunsplit(parts._replace(path=path, query=urlencode({**query, "model": deployment})))


DIALECT = AzureDialect

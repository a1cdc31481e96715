"""A provider's services over plain HTTPS: where they are, with which key, and which models.

Facts come from `Profile.http`; what the user wrote in [providers.NAME] counts more.  A key goes
to the host it was given for, never to another one of the same provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from voicechat.config.schema import Config, Provider
from voicechat.errors import ConfigError
from voicechat.providers import dialect_class
from voicechat.providers.base import Http, Profile
from voicechat.providers.catalog import table as catalog_table
from voicechat.providers.catalog.choice import ModelChoice
from voicechat.providers.catalog.ends import Fate, facts_at, helper_fate, provider_at
from voicechat.providers.catalog.keys import find_key, missing_key, url_for
from voicechat.providers.catalog.ownership import named_url
from voicechat.providers.catalog.table import CHAT
from voicechat.text.phrase import phrase

OLLAMA = "http://127.0.0.1:11434/v1"
"""Where an ordinary chat model is looked for when nobody says where it is."""

_READS_ALOUD = "openai_sound"
_SCHEMES = {"wss": "https", "ws": "http"}


@dataclass(frozen=True, slots=True)
class Service:
    """The HTTP services that make a call together."""

    title: str
    """Whose they are, as a person calls it."""
    url: str = field(repr=False)
    """Base address; may hold a password."""
    kind: str
    """How the chat service is spoken to (`LocalOptions.mind_kind`)."""
    chat_model: str
    """Empty: the first one the service offers."""
    provider: str = ""
    """Whose they are, as the config calls it; empty: the user's own."""
    key: str = field(default="", repr=False)
    key_header: str = field(default="", repr=False)
    """How the key is sent, with `{key}` in its place; empty: as a bearer token."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """More HTTP headers; may hold secrets."""
    ears_kind: str = "openai"
    ears_model: str = ""
    """Speech to text at the same address; empty: it has none."""
    mouth_kind: str = "openai"
    mouth_model: str = ""
    """Text to speech at the same address; empty: it has none."""
    voice: str = ""
    replaced: tuple[str, ...] = ()
    """Models that the user named and that have ended, with what is taken instead."""
    announced: tuple[str, ...] = ()
    """Models that end soon."""


def service_for(choice: ModelChoice, environ: Mapping[str, str], config: Config) -> Service:
    """The services behind an ordinary chat model.

    Raises:
        ConfigError: There is no key or no address; says what to set.
    """
    if not choice.service:
        return _own_service(choice, environ, config)
    profile, own = dialect_class(choice.service).profile, config.provider(choice.service)
    http = _http(profile, own)
    url = _address(profile, http, own.url, environ, config) if http else ""
    if http is None or not url:
        raise ConfigError(
            phrase("{who} has no chat service that is known here", who=profile.title),
            phrase("Set http_url in [providers.{name}]", name=profile.name),
        )
    key, _ = find_key(profile, environ, config)
    if not key and profile.key_env and not (own.http_url or own.url):
        raise missing_key(profile, config)
    basis = _Basis(profile, _facts(http, url, profile), own, url, key, config)
    return basis.serve(choice.way, choice.model, config.voice or own.voice or http.voice)


def service_of_realtime(
    provider: str, environ: Mapping[str, str], config: Config
) -> Service | None:
    """What answers for a provider's realtime model where no WebSocket gets through; None: nothing.

    A server of the user's own has such a service only if [providers.NAME] says so: nobody knows
    what else it serves, and a broken one must not look like a blocked one.

    Raises:
        ConfigError: The key is damaged.
    """
    profile, own = dialect_class(provider).profile, config.provider(provider)
    http, own_url = _http(profile, own), named_url(provider, config) or own.url
    if http is None or (own_url and not (own.http_url or own.chat_model)):
        return None
    url = _address(profile, http, own_url, environ, config)
    http = _facts(http, url, profile)
    model = own.chat_model or http.chat_model
    key, _ = find_key(profile, environ, config)
    needs_key = profile.key_env and not (own.http_url or own_url)
    if not url or not (model or own.http_url) or (needs_key and not key):
        return None
    table = catalog_table.read(config)
    known, wanted = table.family(provider).chat_voices, config.voice or own.voice
    voice = http.voice if known and wanted not in known else wanted or http.voice
    became = helper_fate(model, url, config)
    model = became.name
    basis = _Basis(profile, http, own, url, key, config)
    return basis.serve(table.way(provider, model), model, voice, became)


def _own_service(choice: ModelChoice, environ: Mapping[str, str], config: Config) -> Service:
    """Any server that speaks OpenAI's language, Ollama on this machine if none is named."""
    profile, own = dialect_class(CHAT).profile, config.provider(CHAT)
    url = named_url(CHAT, config) or own.http_url or own.url or OLLAMA
    key, _ = find_key(profile, environ, config)
    model = "" if choice.model == profile.default_model else choice.model
    at = provider_at(url)
    known = dialect_class(at).profile.http if at else None
    http = replace(known, url=url) if known else Http(url, "")
    basis = _Basis(profile, http, own, url, key, config)
    return basis.serve(choice.way, model, config.voice or own.voice)


@dataclass(frozen=True, slots=True)
class _Basis:
    """Whose services, where, and with which key."""

    profile: Profile
    http: Http
    own: Provider
    url: str
    key: str
    config: Config

    def serve(self, way: str, model: str, voice: str, mind: Fate | None = None) -> Service:
        """`mind`: what became of a chat model that nobody chose by its name."""
        own, http = self.own, self.http
        ears = helper_fate(own.ears_model or http.ears_model, self.url, self.config)
        mouth = helper_fate(own.mouth_model or http.mouth_model, self.url, self.config)
        # A model that hears and speaks itself makes its own mouth a spare one.
        fates = [mind, ears] if way.endswith("-sound") else [mind, ears, mouth]
        told = [fate for fate in fates if fate is not None]
        return Service(
            title=self.profile.title,
            url=self.url,
            kind=way,
            chat_model=model,
            provider="" if self.profile.name == CHAT else self.profile.name,
            key=self.key,
            key_header=own.key_header or _key_header(self.profile.name, self.key),
            headers=own.headers,
            ears_kind=http.ears,
            ears_model=ears.name,
            mouth_kind=mouth_kind(http.mouth, mouth.name),
            mouth_model=mouth.name,
            voice=voice,
            replaced=tuple(fate.replaced for fate in told if fate.replaced),
            announced=tuple(fate.announced for fate in told if fate.announced),
        )


def mouth_kind(usual: str, model: str) -> str:
    """How speech is asked for: of a chat model that speaks, by having it read aloud."""
    if usual not in ("openai", _READS_ALOUD):
        return usual
    way = catalog_table.built_in().way("", model)
    return _READS_ALOUD if way == "openai-sound" else "openai"


def _facts(http: Http, url: str, profile: Profile) -> Http:
    return (facts_at(url, profile.name) if profile.http else None) or http


def _http(profile: Profile, own: Provider) -> Http | None:
    return profile.http or (Http(own.http_url, "") if own.http_url else None)


def _key_header(provider: str, key: str) -> str:
    """As its services want it; Azure's may also be a token of Microsoft Entra, which is a JWT."""
    if key.startswith("eyJ") and key.count(".") == 2:
        return ""
    return catalog_table.built_in().family(provider).key_header


def _address(
    profile: Profile, http: Http, own_url: str, environ: Mapping[str, str], config: Config
) -> str:
    """The base address of the services; empty where the user's own server may have none."""
    if named := config.provider(profile.name).http_url:
        return named
    if beside := own_url or url_for(profile.name, environ, config):
        return _beside(beside, profile, http)
    return "" if profile.needs_url else http.url


def _beside(websocket: str, profile: Profile, http: Http) -> str:
    """The HTTP services of the server at a WebSocket address: the usual path on the same host."""
    try:
        parts = urlsplit(websocket if "://" in websocket else f"https://{websocket}")
        usual = urlsplit(profile.url).path.rstrip("/")
    except ValueError:
        return ""
    origin = f"{_SCHEMES.get(parts.scheme, parts.scheme)}://{parts.netloc}"
    if "{origin}" in http.url:
        return http.url.replace("{origin}", origin)
    path = parts.path.rstrip("/")
    if usual.startswith(path):
        path = urlsplit(http.url).path
    elif not path.endswith("/realtime"):
        return ""
    return origin + path.removesuffix("/realtime")

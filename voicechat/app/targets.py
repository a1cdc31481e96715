"""Makes lines: to which model, at which address, with which key, through which proxy, by which way.

A realtime model is reached by WebSocket; where none gets through, its provider's chat model answers
over plain HTTPS instead.  That, every ordinary chat model and the built-in model are one thing: the
cascade, in a process of its own, with other parts.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from voicechat.cascade import process
from voicechat.cascade.http.options import is_loopback
from voicechat.cascade.options import LocalOptions
from voicechat.config.schema import Config
from voicechat.connection.target import Target
from voicechat.errors import ConfigError, RefusedError
from voicechat.net import proxy, websocket
from voicechat.net.http_refusals import CHECK_KEY
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Dialect, Profile, Settings, Vad
from voicechat.providers.catalog import catalog, ownership
from voicechat.providers.catalog.catalog import ModelChoice, Service
from voicechat.providers.catalog.ends import Fate, helper_fate, provider_at
from voicechat.providers.catalog.services import mouth_kind
from voicechat.text.phrase import phrase

Dial = Callable[[], Target]

CHAT = "chat"
"""The provider of ordinary chat models."""
_ANYWHERE = "wss://anywhere.invalid"


@dataclass(frozen=True, slots=True)
class Dialing:
    """Knows the settings; `dial` is what the rest of the house asks for."""

    config: Config
    """The file, with the command line laid over it."""
    environ: Mapping[str, str]
    proxy_option: str | None = None
    hide: Callable[[str], None] = lambda secret: None
    """Told of every key, so that no trace shows it."""

    def dial(self, model: str, *, wants_speech: bool = True) -> Dial:
        """A maker of lines to the named model; an empty name leaves the choice to the program.

        Raises:
            ConfigError: no such provider, no key, or an address that cannot be used.
        """
        choice = self._choose(model)
        dialect_class(choice.provider)
        if choice.provider == CHAT:
            service = catalog.service_for(choice, self.environ, self.config)
            return self._by_http(service, wants_speech, choice)
        if self.config.link == "http" and choice.provider != catalog.BUILT_IN:
            return self._by_http(self._needed_service(choice), wants_speech, choice)
        try:
            self._settings(choice, wants_speech)  # A missing key is told now, not later.
        except ConfigError as error:
            if not choice.doubt:
                raise
            words = phrase("{doubt}. {sentence}", doubt=choice.doubt, sentence=error.message)
            raise ConfigError(words, error.hint) from None
        return lambda: self._by_websocket(choice, wants_speech)

    def choose_proxy(self, url: str = _ANYWHERE) -> proxy.Proxy | None:
        """The proxy for an address, or for any.

        Raises:
            ConfigError: it cannot be used.
        """
        return proxy.choose(
            url, option=self.proxy_option, config=self.config.proxy, environ=self.environ
        )

    def proxy_url(self, url: str = _ANYWHERE) -> str:
        """The address of that proxy, its password in it; empty: there is none."""
        through = self.choose_proxy(url)
        return through.url if through else ""

    # -- which model ----------------------------------------------------------------------------

    def _choose(self, model: str) -> ModelChoice:
        """Whose the model is.  At the start, a name may be the user's own server's for anything;
        later it was picked from a list that says whose it is."""
        config, wanted = self.config, model or self.config.model
        if not wanted:
            if config.url:
                return catalog.resolve(ownership.USUAL)
            return catalog.default_choice(self.environ, config)
        if self._is_for_own_server(wanted, is_picked=bool(model)):
            return catalog.resolve(wanted, own_address=True, config=config)
        choice = catalog.resolve(wanted, config=config)
        return choice if model else ownership.with_word_of_address(choice, config)

    def _is_for_own_server(self, wanted: str, *, is_picked: bool) -> bool:
        """Whether a name means a chat model, or anything at all, of the server that is given."""
        first, _, rest = wanted.partition("/")
        at_own = catalog.resolve(wanted, own_address=True, config=self.config).provider
        if at_own not in ownership.owners(self.config):
            return False
        if first == CHAT:
            return not is_picked or rest.partition("/")[0] not in names()
        return not is_picked and catalog.resolve(wanted, config=self.config).provider == CHAT

    def _settings(self, choice: ModelChoice, wants_speech: bool) -> Settings:
        config, provider = self.config, choice.provider
        own = config.provider(provider)
        to = ownership.destination(provider, self.environ, config)
        self.hide(to.key)
        talk = self._talk(wants_speech)
        return replace(
            talk,
            vad=self._vad(talk, dialect_class(provider).profile),
            model=choice.model,
            api_key=to.key,
            key_place=catalog.key_place(provider, self.environ, config),
            url=to.url,
            key_header=own.key_header,
            input_rate=own.input_rate,
            output_rate=own.output_rate,
            shape=own.shape,
            voice=config.voice or own.voice,
            transcription_model=self._writer(provider, to.url).name,
            helper_model=self._worker(provider, to.url).name,
        )

    def _writer(self, provider: str, url: str) -> Fate:
        """The model that the user wants to write down what is said, at a provider's address."""
        at = url or dialect_class(provider).profile.url
        return helper_fate(self.config.talk.transcription_model, at, self.config)

    def _worker(self, provider: str, url: str) -> Fate:
        """The model that works behind the one that speaks, where a provider has one."""
        profile = dialect_class(provider).profile
        return helper_fate(profile.helper_model, url or profile.url, self.config)

    def _vad(self, talk: Settings, profile: Profile) -> Vad:
        """Whether only words cut a reply: that needs a VAD that waits for us, and words."""
        can_wait = profile.can_wait and talk.transcription_model != "none"
        return replace(talk.vad, by_words=can_wait and self.config.talk.interrupt == "words")

    def _with_limits(self, line: Target) -> Target:
        """A line that knows whether its model leaves to us what the user wants to be ours."""
        wants_words = self.config.talk.interrupt == "words"
        can_wait = line.dialect.settings.vad.by_words
        return replace(line, cuts_by_any_voice=wants_words and not can_wait)

    def _talk(self, wants_speech: bool) -> Settings:
        """What holds whoever answers."""
        config, talk = self.config, self.config.talk
        return Settings(
            model="",
            instructions=config.instructions,
            hands_free=config.hands_free,
            vad=Vad(
                kind=talk.vad,
                threshold=talk.threshold,
                prefix_padding_ms=talk.prefix_ms,
                silence_ms=talk.silence_ms,
                eagerness=talk.eagerness,
                interrupt=talk.interrupt != "never",
            ),
            transcription_model=talk.transcription_model,
            language=talk.language,
            text_only=not wants_speech,
            codec="g711" if config.audio.codec == "g711" else "pcm16",
        )

    # -- by WebSocket ---------------------------------------------------------------------------

    def _by_websocket(self, choice: ModelChoice, wants_speech: bool) -> Target:
        dialect = dialect_class(choice.provider)(self._settings(choice, wants_speech))
        if choice.provider == catalog.BUILT_IN:
            local = partial(self._local_link, dialect)
            line = Target(dialect, local, choice.model, choice.full_name, choice.notice)
            return self._with_limits(self._with_ends(line, self._local_fates().values()))
        instead: Dial | None = None
        if self.config.link == "auto":
            service = catalog.service_of_realtime(choice.provider, self.environ, self.config)
            instead = self._by_http(service, wants_speech) if service else None
        remote, names = partial(self._remote_link, dialect), (choice.model, choice.full_name)
        abilities = catalog.abilities(choice.model, choice.provider, config=self.config)
        line = Target(dialect, remote, *names, choice.notice, abilities=abilities, instead=instead)
        at = dialect.settings.url
        fates = self._writer(choice.provider, at), self._worker(choice.provider, at)
        return self._with_limits(self._with_ends(line, fates, choice.announced))

    def _with_ends(self, line: Target, fates: Iterable[Fate], *announced: str) -> Target:
        """A line that tells which of its models were replaced, and which end soon: that once."""
        fates = list(fates)
        soon = (*announced, *(fate.announced for fate in fates))
        told = self.config.retirements.told
        return replace(
            line,
            replaced=tuple(fate.replaced for fate in fates if fate.replaced),
            announced=tuple(words for words in soon if words and words not in told),
        )

    @asynccontextmanager
    async def _remote_link(self, dialect: Dialect) -> AsyncIterator[websocket.Link]:
        url = dialect.url()
        headers = {**dialect.headers(), **self.config.provider(dialect.profile.name).headers}
        through = self.choose_proxy(url)
        ca_file = self.config.ca_file
        call = websocket.connect(url, headers, proxy=through, ca_file=ca_file)
        async with _with_key_hint(call, dialect.key_hint()) as link:
            yield link

    # -- by a process of our own ----------------------------------------------------------------

    @asynccontextmanager
    async def _local_link(self, dialect: Dialect) -> AsyncIterator[websocket.Link]:
        """The model that comes with the program; or one started by hand, at its address."""
        if dialect.settings.url:
            async with self._remote_link(dialect) as link:
                yield link
            return
        async with _process_link(dialect, self._local_options()) as link:
            yield link

    def _local_fates(self) -> dict[str, Fate]:
        """What became of the models that [local] names, where it names a service beside them."""
        local, config = self.config.local, self.config
        return {
            "mind": helper_fate(local.mind_model, local.mind, config),
            "ears": helper_fate(local.ears_model, local.ears, config),
            "mouth": helper_fate(local.mouth_model, local.mouth, config),
        }

    def _local_options(self) -> LocalOptions:
        local, environ = self.config.local, self.environ
        fates = self._local_fates()
        return LocalOptions(
            mind=local.mind,
            mind_model=fates["mind"].name,
            mind_key=environ.get(local.mind_key_env, ""),
            ears=local.ears,
            ears_model=fates["ears"].name,
            ears_key=environ.get(local.ears_key_env, ""),
            mouth=local.mouth,
            mouth_kind=mouth_kind("openai", fates["mouth"].name),
            mouth_model=fates["mouth"].name,
            mouth_voice=local.mouth_voice,
            mouth_key=environ.get(local.mouth_key_env, ""),
            language=self.config.talk.language,
            proxy=self.proxy_url(),
            ca_file=self.config.ca_file,
        )

    # -- by HTTP --------------------------------------------------------------------------------

    def _needed_service(self, choice: ModelChoice) -> Service:
        service = catalog.service_of_realtime(choice.provider, self.environ, self.config)
        if service is None:
            ownership.key_for(choice.provider, self.environ, self.config)  # Says if that is why.
            title = dialect_class(choice.provider).profile.title
            raise ConfigError(
                phrase("{who} has no HTTP service that is known here", who=title),
                phrase(
                    "Use --link websocket, or set http_url in [providers.{name}]",
                    name=choice.provider,
                ),
            )
        return service

    def _by_http(
        self, service: Service, wants_speech: bool, choice: ModelChoice | None = None
    ) -> Dial:
        """`choice`: what the user asked for, where this is no stand-in."""
        self.hide(service.key)
        options, through = self._service_options(service), self.choose_proxy(service.url)
        hint = self._key_hint(service)
        label = through.label if through else ""
        name, notice = (choice.full_name, choice.notice) if choice else ("", "")
        able = catalog.abilities(service.chat_model, CHAT, service.provider, self.config)
        parts = urlsplit(service.url)
        is_plain = parts.scheme == "http" and not is_loopback(parts.hostname or "")

        def make() -> Target:
            model = service.chat_model or "auto"
            settings = replace(self._talk(wants_speech), model=model)
            dialect = dialect_class(CHAT)(settings)
            link = partial(_service_link, dialect, options, hint)
            line = Target(dialect, link, model, name, notice, "http", able, label, is_plain)
            told = *service.announced, choice.announced if choice else ""
            line = replace(self._with_ends(line, (), *told), replaced=service.replaced)
            return self._with_limits(line)

        return make

    def model_list(self, name: str) -> tuple[str, LocalOptions] | None:
        """The host of the service behind a model, and how its list of models is asked for; None:
        there is no service with a list in OpenAI's shape, or it is at an address of the user's own,
        where names stay what they are.

        Raises:
            ConfigError: a key, an address or a proxy cannot be used.
        """
        choice = catalog.resolve(name, config=self.config)
        if choice.provider == CHAT:
            service: Service | None = catalog.service_for(choice, self.environ, self.config)
        else:
            service = catalog.service_of_realtime(choice.provider, self.environ, self.config)
        if service is None or service.kind == "gemini":
            return None
        if not provider_at(service.url):
            return None
        return urlsplit(service.url).hostname or "", self._service_options(service)

    def _key_hint(self, service: Service) -> str:
        """What to do about a key that the service refuses: as its provider says it."""
        provider = service.provider or CHAT
        place = catalog.key_place(provider, self.environ, self.config)
        settings = Settings("", service.key, key_place=place)
        return dialect_class(provider)(settings).key_hint()

    def _service_options(self, service: Service) -> LocalOptions:
        """A vendor's own ears and mouth; where it has none, those of [local]."""
        options = replace(
            self._local_options(),
            mind=service.url,
            mind_kind=service.kind,
            mind_model=service.chat_model,
            mind_key=service.key,
            key_header=service.key_header,
            headers=json.dumps(dict(service.headers)) if service.headers else "",
            proxy=self.proxy_url(service.url),
            check="yes",
            own_voice=service.voice,
        )
        if service.ears_model:
            ears = {"ears_kind": service.ears_kind, "ears_model": service.ears_model}
            options = replace(options, ears=service.url, ears_key=service.key, **ears)
        if service.mouth_model:
            mouth = {"mouth_kind": service.mouth_kind, "mouth_model": service.mouth_model}
            options = replace(options, mouth=service.url, mouth_key=service.key, **mouth)
        if service.mouth_model or service.kind.endswith("-sound"):
            options = replace(options, mouth_voice=service.voice)
        return options


@asynccontextmanager
async def _with_key_hint(
    call: AbstractAsyncContextManager[websocket.Link], hint: str
) -> AsyncIterator[websocket.Link]:
    """A link knows no providers: here it is known whose key it refuses, and where it came from."""
    async with AsyncExitStack() as stack:
        try:
            link = await stack.enter_async_context(call)
        except RefusedError as error:
            is_key = error.hint == CHECK_KEY
            raise (RefusedError(error.message, hint) if is_key else error) from None
        yield link


def _service_link(
    dialect: Dialect, options: LocalOptions, key_hint: str
) -> AbstractAsyncContextManager[websocket.Link]:
    """A process for a vendor's services, which refuse a key before there is a line."""
    return _with_key_hint(_process_link(dialect, options), key_hint)


@asynccontextmanager
async def _process_link(dialect: Dialect, options: LocalOptions) -> AsyncIterator[websocket.Link]:
    """A process with these parts, then a link like any."""
    async with process.running(options) as endpoint:
        dialect.settings = replace(dialect.settings, url=endpoint.url, api_key=endpoint.token)
        async with websocket.connect(dialect.url(), dialect.headers(), proxy=None) as link:
            yield link

"""Put the parts of the house together as the command line and the config ask for it.

Options come before the config, the config before the environment, the environment before what the
program chooses itself.  Nothing here talks to a network or a sound card yet.
"""

import argparse
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from voicechat import config as configuration
from voicechat.audio.devices import Device, SoundCard, list_devices
from voicechat.cascade import process
from voicechat.cascade.options import LocalOptions
from voicechat.config import Config
from voicechat.conversation import Conversation
from voicechat.journal import Journal, NullJournal, Recorder
from voicechat.links import proxy, websocket
from voicechat.providers import catalog, dialect_class
from voicechat.providers.base import Dialect, Settings, Vad
from voicechat.session import Line, Listener, Session
from voicechat.trace import Trace

Dial = Callable[[], Line]


@dataclass(slots=True)
class House:
    """Everything one run of the program is made of."""

    config: Config
    """The file, with the command line laid over it."""
    environ: Mapping[str, str]
    proxy_option: str | None = None
    trace: Trace | None = None
    sound: SoundCard | None = None

    @classmethod
    def build(cls, args: argparse.Namespace, environ: Mapping[str, str]) -> "House":
        """Read the config and lay the options over it.

        Raises:
            ConfigError: a field, an option or a file is wrong.
        """
        config = configuration.load(args.config, environ)
        house = cls(_overlay(config, args), environ, proxy_option=args.proxy)
        if house.config.trace:
            house.trace = Trace(Path(house.config.trace))
        return house

    def close(self) -> None:
        if self.trace is not None:
            self.trace.close()

    # -- lines ----------------------------------------------------------------------------------

    def dial(self, model: str, *, wants_speech: bool = True) -> Dial:
        """A maker of lines to the named model; an empty name leaves the choice to the program.

        Raises:
            ConfigError: no such provider, no key, or an address that cannot be used.
        """
        choice = self._choose(model)
        dialect_class(choice.provider)
        self._settings(choice, wants_speech=wants_speech)  # A missing key is told now, not later.

        def make() -> Line:
            settings = self._settings(choice, wants_speech=wants_speech)
            dialect = dialect_class(choice.provider)(settings)
            link = self._local_link if choice.provider == "local" else self._remote_link
            return Line(dialect, lambda: link(dialect), choice.model, choice.notice)

        return make

    def _choose(self, model: str) -> catalog.Choice:
        wanted = model or self.config.model
        if wanted:
            return catalog.resolve(wanted)
        return catalog.default_choice(self.environ, self.config)

    def _settings(self, choice: catalog.Choice, *, wants_speech: bool) -> Settings:
        config = self.config
        talk, own = config.talk, config.providers.get(choice.provider)
        return Settings(
            model=choice.model,
            api_key=catalog.key_for(choice.provider, self.environ, config),
            url=config.url or (own.url if own else ""),
            voice=config.voice or (own.voice if own else ""),
            instructions=config.instructions,
            hands_free=config.hands_free,
            vad=Vad(
                kind=talk.vad,
                threshold=talk.threshold,
                prefix_padding_ms=talk.prefix_ms,
                silence_ms=talk.silence_ms,
                eagerness=talk.eagerness,
                interrupt=talk.interrupt,
            ),
            transcription_model=talk.transcription_model,
            language=talk.language,
            text_only=not wants_speech,
        )

    @asynccontextmanager
    async def _remote_link(self, dialect: Dialect) -> AsyncIterator[websocket.Link]:
        url = dialect.url()
        through = self._proxy(url)
        headers = dialect.headers()
        async with websocket.connect(
            url, headers, proxy=through, ca_file=self.config.ca_file
        ) as link:
            yield link

    @asynccontextmanager
    async def _local_link(self, dialect: Dialect) -> AsyncIterator[websocket.Link]:
        """The model that comes with the program: a process of its own, then a link like any."""
        if dialect.settings.url:
            async with self._remote_link(dialect) as link:
                yield link
            return
        async with process.running(self._local_options()) as endpoint:
            dialect.settings = replace(
                dialect.settings, url=endpoint.url, api_key=endpoint.token
            )
            async with websocket.connect(dialect.url(), dialect.headers(), proxy=None) as link:
                yield link

    def _proxy(self, url: str) -> proxy.Proxy | None:
        return proxy.choose(
            url, option=self.proxy_option, config=self.config.proxy, environ=self.environ
        )

    def _local_options(self) -> LocalOptions:
        local, environ = self.config.local, self.environ
        through = self._proxy("wss://anywhere.invalid")
        return LocalOptions(
            mind=local.mind,
            mind_model=local.mind_model,
            mind_key=environ.get(local.mind_key_env, ""),
            ears=local.ears,
            ears_model=local.ears_model,
            ears_key=environ.get(local.ears_key_env, ""),
            mouth=local.mouth,
            mouth_model=local.mouth_model,
            mouth_voice=local.mouth_voice,
            mouth_key=environ.get(local.mouth_key_env, ""),
            language=self.config.talk.language,
            proxy=through.url if through else "",
        )

    # -- the session ----------------------------------------------------------------------------

    def build_session(
        self, listener: Listener, *, with_sound: bool, wants_speech: bool
    ) -> Session:
        """The session, ready to run.

        Raises:
            ConfigError: the model, its key, the address or the proxy cannot be used.
        """
        dial = self.dial("", wants_speech=wants_speech)
        self._proxy("wss://anywhere.invalid")  # A bad proxy address is told before the screen.
        if with_sound:
            self.sound = SoundCard(
                self.config.audio.input_device,
                self.config.audio.output_device,
            )
        return Session(
            dial,
            Conversation(),
            self._journal(),
            listener,
            sound=self.sound,
            hands_free=self.config.hands_free,
            buffer_ms=self.config.audio.buffer_ms,
            volume=self.config.audio.volume,
            trace=self.trace.record if self.trace else lambda direction, message: None,
        )

    def _journal(self) -> Recorder:
        raise NotImplementedError

    # -- what there is --------------------------------------------------------------------------

    def find_devices(self) -> list[Device]:
        return list_devices()

"""Put the parts of the house together as the command line and the config ask for it.

Options come before the config, the config before the environment, the environment before what the
program chooses itself.  Nothing here talks to a network or a sound card yet.
"""

import argparse
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voicechat import config as configuration
from voicechat.audio.devices import SoundCard, list_devices
from voicechat.cascade import process
from voicechat.cascade.options import LocalOptions
from voicechat.config import Config
from voicechat.conversation import Conversation
from voicechat.engine import Engine
from voicechat.front.listing import DeviceRow, ModelRow
from voicechat.journal import Journal, NullJournal, Recorder, data_folder
from voicechat.links import proxy, websocket
from voicechat.providers import catalog, dialect_class, names
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
    journal: Recorder | None = None

    @classmethod
    def build(cls, args: argparse.Namespace, environ: Mapping[str, str]) -> "House":
        """Read the config and lay the options over it.

        Raises:
            ConfigError: a field, an option or a file is wrong.
        """
        config = configuration.load(args.config, environ, names())
        house = cls(_overlay(config, args), environ, proxy_option=args.proxy)
        if house.config.trace:
            house.trace = Trace(Path(house.config.trace), house.config.secrets())
        return house

    def close(self) -> None:
        if self.journal is not None:
            self.journal.close()
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
        if self.config.url:
            return catalog.resolve("openai")  # A server of one's own speaks this, as a rule.
        return catalog.default_choice(self.environ, self.config)

    def _settings(self, choice: catalog.Choice, *, wants_speech: bool) -> Settings:
        config = self.config
        talk, own = config.talk, config.provider(choice.provider)
        api_key = catalog.key_for(choice.provider, self.environ, config)
        if self.trace is not None:
            self.trace.hide(api_key)
        return Settings(
            model=choice.model,
            api_key=api_key,
            url=config.url or own.url or catalog.url_for(choice.provider, self.environ),
            key_header=own.key_header,
            input_rate=own.input_rate,
            output_rate=own.output_rate,
            shape=own.shape,
            voice=config.voice or own.voice,
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
        headers = {**dialect.headers(), **self.config.provider(dialect.profile.name).headers}
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
            dialect.settings = replace(dialect.settings, url=endpoint.url, api_key=endpoint.token)
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

    def build_session(self, listener: Listener, *, with_sound: bool, wants_speech: bool) -> Session:
        """The session, ready to run.

        Raises:
            ConfigError: the model, its key, the address or the proxy cannot be used.
        """
        dial = self.dial("", wants_speech=wants_speech)
        self._proxy("wss://anywhere.invalid")  # A bad proxy address is told before the screen.
        config = self.config
        if with_sound:
            self.sound = SoundCard(
                config.audio.input_device,
                config.audio.output_device,
                chunk_ms=config.audio.chunk_ms,
            )
        audio = config.audio
        session = Session(
            dial,
            Conversation(),
            Engine(self.sound, buffer_ms=audio.buffer_ms, volume=audio.volume),
            NullJournal(),
            listener,
            hands_free=config.hands_free,
            trace=self.trace.record if self.trace else None,
            price=catalog.price,
        )
        session.journal = self.journal = self._journal(session)
        return session

    def _journal(self, session: Session) -> Recorder:
        if not self.config.save:
            return NullJournal()
        line = session.line
        folder = data_folder(self.environ)
        return Journal.open(folder, line.model, line.dialect.profile.name, session.tell_from_thread)

    def pick_device(self, side: str, index: int) -> None:
        """Use another microphone (`input`) or loudspeaker (`output`) from now on."""
        if self.sound is not None:
            self.sound.pick("microphone" if side == "input" else "loudspeaker", str(index))

    # -- what there is --------------------------------------------------------------------------

    def find_models(self) -> list[ModelRow]:
        """Every known model, grouped by provider."""
        return [self._model_row(model) for model in catalog.models()]

    def _model_row(self, model: catalog.Model) -> ModelRow:
        profile = dialect_class(model.provider).profile
        own = self.config.provider(model.provider)
        key_env = own.api_key_env or (profile.key_env[0] if profile.key_env else "")
        has_key = catalog.has_key(model.provider, self.environ, self.config)
        return ModelRow(model.name, model.provider, model.abilities, key_env, has_key, model.note)


def _overlay(config: Config, args: argparse.Namespace) -> Config:
    """The command line laid over the file; what was not said stays."""
    audio = _said(args, "input_device", "output_device")
    plain = _said(
        args, "model", "url", "link", "voice", "instructions", "text", "hands_free", "save"
    )
    if args.trace:
        plain["trace"] = args.trace
    return replace(config, **plain, audio=replace(config.audio, **audio))


def _said(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def find_devices() -> list[DeviceRow]:
    """The sound devices of this machine.

    Raises:
        DeviceError: there is no sound system at all.
    """
    return [
        DeviceRow(
            index=device.index,
            name=device.name,
            api=device.host_api,
            inputs=device.inputs,
            outputs=device.outputs,
            rate=round(device.default_rate),
            is_default_input=device.is_default_input,
            is_default_output=device.is_default_output,
        )
        for device in list_devices()
    ]

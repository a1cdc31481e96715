"""Put the parts of the house together as the command line and the config ask for it.

Options come before the config, the config before the environment, the environment before what the
program chooses itself.  Nothing here talks to a network or a sound card yet.
"""

import argparse
import asyncio
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from voicechat.app import model_list
from voicechat.app.retirements import EndsMemory, good_ends
from voicechat.app.targets import Dial, Dialing
from voicechat.audio import self_test
from voicechat.audio.card import portaudio
from voicechat.audio.card import sound_card as sound_devices
from voicechat.audio.card.sound_card import SoundCard
from voicechat.audio.engine import Engine
from voicechat.audio.recording import recorder as recording
from voicechat.audio.recording.card_tap import CardRecording
from voicechat.audio.recording.files import check_recording
from voicechat.cascade.http.service import service_of
from voicechat.cascade.llm.chat import list_ends
from voicechat.cascade.options import LocalOptions
from voicechat.config import environment, load, stored_key
from voicechat.config.schema import Config
from voicechat.connection.state.backoff import ANY_BUDGET, RetryBudget
from voicechat.connection.target import Target
from voicechat.connection.trace import Trace
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.journal import (
    Journal,
    NullJournal,
    Resumed,
    TranscriptWriter,
    data_folder,
    resume,
    used,
)
from voicechat.conversation.journal.learned import ArrivalStats
from voicechat.conversation.notices import Notices
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.events import Event, Notice, Notify, SessionReady
from voicechat.front.app_api import TypedKey
from voicechat.front.commands.listing import DeviceRow, ModelRow
from voicechat.net.network_id import network_label
from voicechat.providers import dialect_class, names
from voicechat.providers.catalog import catalog
from voicechat.session.session import Listener, Session
from voicechat.text.clean import clean
from voicechat.text.key_shapes import find_key
from voicechat.text.phrase import phrase
from voicechat.tools.toolbox import Toolbox

_LIST_S = 20.0
"""For a service's list of models."""


@dataclass(slots=True)
class App:
    """Everything one run of the program is made of."""

    config: Config
    """The file, with the command line laid over it."""
    environ: Mapping[str, str]
    proxy_option: str | None = None
    trace: Trace | None = None
    sound: SoundCard | None = None
    journal: TranscriptWriter | None = None
    wants_speech: bool = True
    resumed: Resumed | None = None
    """The conversation to go on with."""
    record: Path | None = None
    """Where to record the call from its beginning; None: not until a key asks for it."""
    recorder: recording.CallRecorder | None = None
    config_path: Path | None = None
    """The file that was named on the command line."""
    remembering: threading.Thread | None = None
    """Writes down which model is talked to: the disk may be slow, and the call must not wait."""

    @classmethod
    def build(cls, args: argparse.Namespace, environ: Mapping[str, str]) -> "App":
        """Read the config and lay the options over it.

        Raises:
            ConfigError: a field, an option or a file is wrong, or a conversation is not there.
        """
        config = load.load(args.config, environ, names())
        config = _without_home(_overlay(config, args), environ)
        house = cls(config, environ, proxy_option=args.proxy)
        house.config = replace(house.config, retirements=house.ends.read())
        house.config_path = args.config
        house.record = check_recording(args.record) if args.record else None
        if house.config.trace:
            house.trace = Trace(Path(house.config.trace), house.config.secrets())
        if args.resume is not None:
            house.take_up(args.resume, keeps_model=args.model is None)
        return house

    def take_up(self, wanted: str, *, keeps_model: bool) -> None:
        """Go on with an earlier conversation, and with its model unless another was chosen.

        Raises:
            ConfigError: it is not there, cannot be read, or is open elsewhere.
        """
        folder, config = data_folder(self.environ), self.config
        self.resumed = resume(folder, wanted, will_write=config.save)
        model = (self.resumed.name if keeps_model else "") or config.model
        # An address is for the model that it was named with, not for the one of long ago.
        url_model = config.model if config.url_model is None else config.url_model
        warnings = (*config.warnings, *self.resumed.told)
        self.config = replace(config, model=model, url_model=url_model, warnings=warnings)

    @property
    def ends(self) -> EndsMemory:
        """What is remembered of models that end."""
        return EndsMemory(data_folder(self.environ))

    def close(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
        if self.journal is not None:
            self.journal.close()
        if self.remembering is not None:
            self.remembering.join(1.0)
        if self.trace is not None:
            self.trace.close()

    @property
    def dialing(self) -> Dialing:
        hide = self.trace.hide if self.trace is not None else lambda secret: None
        return Dialing(self.config, self.environ, self.proxy_option, hide)

    def dial(self, model: str) -> Dial:
        """A maker of lines to the named model, with speech as the command line wants it."""
        return self.dialing.dial(model, wants_speech=self.wants_speech)

    # -- the session ----------------------------------------------------------------------------

    def build_session(
        self,
        listener: Listener,
        *,
        with_sound: bool,
        wants_speech: bool,
        budget: RetryBudget = ANY_BUDGET,
    ) -> Session:
        """The session, ready to run.

        Raises:
            ConfigError: the model, its key, the address or the proxy cannot be used.
        """
        self.wants_speech = wants_speech
        dial = self.dial("")
        self.dialing.choose_proxy()  # A bad proxy address is told before the screen.
        config = self.config
        audio, conversation = config.audio, Conversation()
        notices = Notices(conversation, lambda notice: self._note(notice, listener))
        if with_sound:
            self.sound = SoundCard(
                audio.input_device,
                audio.output_device,
                notify=notices.tell,
                chunk_ms=audio.chunk_ms,
            )
        if self.resumed is not None:
            conversation.restore(self.resumed.loaded.items)
        self.recorder = self._recorder(notices.tell, with_sound=with_sound)
        session = Session(
            dial,
            conversation,
            Engine(
                self.sound,
                buffer_ms=audio.buffer_ms,
                volume=audio.volume,
                echo=audio.echo,
                noise_suppression=audio.noise_suppression,
                input_gain=audio.input_gain,
                recording=self._recording(),
                memory=self._memory(lambda: session.proxy_label),
                notify=notices.tell,
            ),
            NullJournal(),
            lambda event: self._hear(session, event, listener, notices.tell),
            hands_free=config.hands_free,
            trace=self.trace.record if self.trace else None,
            price=lambda model, usage: catalog.price(model, usage, config),
            toolbox=self._toolbox(notices.tell),
            may_be_thin=config.audio.codec == "auto",
            notices=notices,
            budget=budget,
        )
        session.journal = self.journal = self._journal(session.line, notices.tell)
        if self.recorder is not None and self.record is not None:
            self.recorder.start()
        return session

    def _memory(self, proxy_label: Callable[[], str]) -> ArrivalStats | None:
        """How sound arrived in earlier calls on this network."""
        if self.sound is None or not self.config.save:
            return None
        return ArrivalStats(data_folder(self.environ), lambda: f"{network_label()} {proxy_label()}")

    def _recording(self) -> CardRecording | None:
        if self.sound is None or self.recorder is None:
            return None
        return CardRecording(self.sound, self.recorder)

    def _recorder(self, notify: Notify, *, with_sound: bool) -> recording.CallRecorder | None:
        if self.record is not None and not with_sound:
            hint = phrase("With --plain, add --hands-free; leave --text and --say out")
            raise ConfigError(phrase("There is no sound to record"), hint)
        folder = data_folder(self.environ) / "recordings"
        return recording.CallRecorder(self.record or folder, notify) if with_sound else None

    def _note(self, notice: Notice, listener: Listener) -> None:
        """What is told to the front end; the end of a model is told in one call only."""
        if notice.code == "model_ends" and self.config.save:
            self.ends.keep_told(str(notice.message))
        listener(notice)

    def _hear(
        self,
        session: Session,
        event: Event | VoiceChatError,
        listener: Listener,
        notify: Notify,
    ) -> None:
        """What is told to the front end; a model that answers is remembered for the pickers."""
        if isinstance(event, SessionReady) and self.config.save and session.line.name:
            self._remember(session.line.name, notify)
            if isinstance(self.journal, Journal):
                self.journal.name = session.line.name
        listener(event)

    def _remember(self, model: str, notify: Notify) -> None:
        what = data_folder(self.environ), model, datetime.now(UTC)
        self.remembering = threading.Thread(target=used.remember, args=what, daemon=True)
        self.remembering.start()
        # Nobody waits for a service's list, not even at the end.
        threading.Thread(target=self._look_at_list, args=(model, notify), daemon=True).start()

    def _look_at_list(self, model: str, notify: Notify) -> None:
        """Once a day: when the models of the service in use end, as it says itself."""
        memory, day = self.ends, self.config.retirements.today()
        with suppress(VoiceChatError, TimeoutError, OSError):
            found = self.dialing.model_list(model)
            if found is None or memory.is_fresh(found[0], day):
                return
            memory.keep_list(found[0], good_ends(asyncio.run(_ask_ends(found[1]))), day)
            self.config = replace(self.config, retirements=memory.read())
            words = catalog.resolve(model, config=self.config).announced
            if words and words not in self.config.retirements.told:
                notify(Notice("model_ends", words))

    def forget_keys(self, environ: MutableMapping[str, str]) -> None:
        """Take the keys out of the process's own environment: they stay here, and no child, of
        ours or of a library's, is given one that it was not meant to have."""
        self.environ = dict(self.environ)
        environment.forget_keys(environ, *self._keys())

    def _keys(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """The variables that hold keys, and the keys of the config."""
        written = (section.api_key for section in self.config.providers.values())
        return catalog.key_variables(self.config), tuple(filter(None, written))

    def _toolbox(self, notify: Notify) -> Toolbox:
        config = self.config
        return Toolbox(
            config.tools,
            config.mcp,
            environment.without_keys(self.environ, *self._keys()),
            find_proxy=self.dialing.proxy_url,
            ca_file=config.ca_file,
            notify=notify,
        )

    def _journal(self, line: Target, notify: Notify) -> TranscriptWriter:
        if not self.config.save:
            return NullJournal()
        return Journal.open(
            data_folder(self.environ),
            line.model,
            line.dialect.profile.name,
            notify,
            name=line.name,
            resumed=self.resumed,
        )

    def pick_device(self, side: str, index: int) -> None:
        """Use another microphone (`input`) or loudspeaker (`output`) from now on."""
        if self.sound is not None:
            self.sound.pick("microphone" if side == "input" else "loudspeaker", str(index))

    def is_waking(self) -> bool:
        """Whether the microphone was just opened and hears nothing yet."""
        microphone = self.sound.microphone if self.sound is not None else None
        return microphone is not None and microphone.is_waking

    # -- keys that the user types as a message -----------------------------------------------------

    def find_key(self, line: str, provider: str) -> TypedKey | None:
        """The key in a typed line, and whose it is: as the line says, or else as it looks.

        Args:
            provider: Whom the user talks to now.
        """
        found = find_key(clean(line))
        if found is None:
            return None
        owners = {name: dialect_class(name).profile for name in names()}
        owners = {name: profile for name, profile in owners.items() if profile.key_env}
        named = [name for name in owners if any(env in line for env in owners[name].key_env)]
        likely = owners if found.is_anybodys else found.providers
        owner = next(iter(named), provider if provider in likely else "")
        owner = owner or next(iter(found.providers), "")
        profile = owners.get(owner)
        if profile is None:
            return TypedKey(found.key)
        return TypedKey(found.key, owner, profile.title, profile.key_env[0])

    def store_key(self, typed: TypedKey) -> Path:
        """Put a key into the config file; lines that are dialled from now on use it.

        Raises:
            ConfigError: the file cannot be written.
        """
        path = self.config_path or load.config_path(self.environ)
        path = stored_key.store_key(path, typed.provider, typed.key)
        self.hide_key(typed)
        own = replace(self.config.provider(typed.provider), api_key=typed.key)
        providers = {**self.config.providers, typed.provider: own}
        self.config = replace(self.config, providers=providers)
        return path

    def hide_key(self, typed: TypedKey) -> None:
        """Keep a key that the user sends all the same out of every file of ours."""
        if self.trace is not None:
            self.trace.hide(typed.key)
        if isinstance(self.journal, Journal):
            self.journal.hide(typed.key)

    # -- what there is --------------------------------------------------------------------------

    def find_models(self) -> list[ModelRow]:
        """Every known model, grouped by provider."""
        return model_list.find_models(self.environ, self.config)


def _overlay(config: Config, args: argparse.Namespace) -> Config:
    """The command line laid over the file; what was not said stays."""
    audio = _said(args, "input_device", "output_device")
    plain = _said(
        args, "model", "url", "link", "voice", "instructions", "text", "hands_free", "save"
    )
    if args.trace:
        plain["trace"] = args.trace
    if args.url is None:
        plain["url_model"] = config.model  # The file's address is for the file's model.
    return replace(config, **plain, audio=replace(config.audio, **audio))


def _without_home(config: Config, environ: Mapping[str, str]) -> Config:
    """A user without a home keeps nothing, and is told."""
    if not config.save or data_folder(environ) != environment.NOWHERE:
        return config
    told = phrase("There is no home folder (HOME is not set): the conversation is not saved")
    return replace(config, save=False, warnings=(*config.warnings, told))


def _said(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


async def _ask_ends(options: LocalOptions) -> dict[str, object]:
    service = service_of(options, options.mind, options.mind_key)
    try:
        async with asyncio.timeout(_LIST_S):
            return await list_ends(service)
    finally:
        await service.close()


def sound_hint() -> str:
    """What to do when there is no sound device."""
    return portaudio.hint()


async def find_devices() -> list[DeviceRow]:
    """The sound devices of this machine; takes some seconds at most.

    Raises:
        DeviceError: there is no sound system at all, or it does not answer.
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
        for device in await sound_devices.find_devices()
    ]


def test_devices(config: Config, tell: Callable[[str], None]) -> self_test.Findings:
    """Play into the loudspeaker and listen to the microphone that the config names.

    Args:
        tell: Gets the stable name of each step as it begins.

    Raises:
        DeviceError: neither can be opened.
    """
    audio = config.audio
    return asyncio.run(self_test.run(audio.input_device, audio.output_device, tell))

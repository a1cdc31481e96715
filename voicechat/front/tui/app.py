"""The Textual application: keys to the session, the session to widgets.

Words are pushed by the session's listener but drawn on a timer, so that ten thousand deltas a
second cost no more repaints than ten; levels are polled on the same timer.
"""

from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer, Input

from voicechat.errors import VoiceChatError
from voicechat.events import Event, ProviderFailed, ReplyFinished
from voicechat.front.doors import Doors
from voicechat.front.listing import DeviceRow, ModelRow
from voicechat.front.signals import on_stop
from voicechat.front.tui.pickers import Choice, HelpPage, Picker
from voicechat.front.tui.prompt import Prompt
from voicechat.front.tui.status import LineBar, StatusBar
from voicechat.front.tui.transcript import Transcript
from voicechat.front.words import Words
from voicechat.session import Session

REFRESH_HZ = 12


class VoiceChatApp(App[None]):
    """One conversation on the screen."""

    CSS_PATH = "app.tcss"
    TITLE = "voicechat"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, words: Words, doors: Doors, *, theme: str = "dark") -> None:
        super().__init__()
        self.session: Session
        self.crash: BaseException | None = None
        """A bug that ended the program."""
        self._words = words
        self._doors = doors
        self._wanted_theme = "textual-light" if theme == "light" else "textual-dark"
        self._quit_asked = False
        self._bind_keys()

    BINDINGS: ClassVar[list[BindingType]] = []

    def _bind_keys(self) -> None:
        words = self._words
        for keys, action, name, show in (
            ("f1", "help", "key_help", True),
            ("f2", "pick_model", "key_model", True),
            ("f3", "pick_device", "key_devices", True),
            ("f4", "mute", "key_mute", False),
            ("f5", "reconnect", "key_reconnect", False),
            ("ctrl+t", "hands_free", "key_hands_free", True),
            ("ctrl+y", "copy_reply", "key_copy", False),
            ("ctrl+q", "quit", "key_quit", True),
            ("space", "talk", "talk", False),
            ("escape", "stop", "key_help", False),
        ):
            self._bindings.bind(keys, action, words(name), show=show, priority=keys == "ctrl+q")
        self._bindings.bind("ctrl+c", "maybe_quit", "", show=False)
        self._bindings.bind("pageup", "scroll('up')", "", show=False)
        self._bindings.bind("pagedown", "scroll('down')", "", show=False)

    def compose(self) -> ComposeResult:
        yield LineBar(self._words)
        yield Transcript(self._words)
        yield StatusBar(self._words)
        yield Prompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.theme = self._wanted_theme
        on_stop(lambda code: self.exit(return_code=code))
        self.query_one(Prompt).focus()
        self.set_interval(1 / REFRESH_HZ, self._refresh_all)
        self._refresh_all()

    def give_up(self, error: Exception) -> None:
        """End with exit code 1; `run_screen` says why, in one line."""
        self.crash = error
        self.exit(return_code=1)

    def _fatal_error(self) -> None:
        """Textual would print a traceback with all local variables: keys must not be among them."""
        self.crash = self._exception
        self._close_messages_no_wait()

    # -- the session tells ----------------------------------------------------------------------

    def hear(self, event: Event | VoiceChatError) -> None:
        """The session's listener: what has no row of its own becomes a note."""
        match event:
            case VoiceChatError():
                self.session.conversation.note("error", str(event))
            case ProviderFailed(code, message, fatal=False):
                self.session.conversation.note(f"error-{code}", message)
            case ReplyFinished(status="failed"):
                reason = event.message or event.code or self._words("failed")
                self.session.conversation.note("error-reply", reason)

    def _refresh_all(self) -> None:
        session, snapshot = self.session, self.session.snapshot()
        line = self.screen_stack[0].query_one(LineBar)
        line.draw(session.line.model, snapshot.phase, session.proxy_label)
        self.screen_stack[0].query_one(Transcript).show(session.conversation.rows, session.shown)
        self.screen_stack[0].query_one(StatusBar).draw(snapshot)
        self._draw_prompt(snapshot.phase, is_live=snapshot.is_live)

    def _draw_prompt(self, phase: str, *, is_live: bool) -> None:
        prompt = self.screen_stack[0].query_one(Prompt)
        session, words = self.session, self._words
        if phase == "offline":
            look, title = "offline", words("reconnect_hint")
        elif is_live:
            look, title = "live", words("live_hands_free" if session.gate.hands_free else "live_ptt")
        elif session.gate.hands_free and session.has_microphone:
            look, title = "muted", words("muted")
        else:
            look, title = "quiet", words("talk" if session.has_microphone else "text_only")
        if prompt.border_title != title:
            prompt.border_title = title
            prompt.set_classes(look)
            prompt.placeholder = words("type_here" if session.has_microphone else "type_only")

    # -- keys -----------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        prompt = self.query_one(Prompt)
        if event.value.strip():
            prompt.remember(event.value)
            self.session.say(event.value)
        prompt.clear()
        self.query_one(Transcript).anchor()

    @on(Prompt.Talk)
    def action_talk(self) -> None:
        if not self.session.has_microphone:
            self._tell("no_microphone")
        elif self.session.gate.hands_free:
            self.action_mute()
        elif self.session.snapshot().is_live:
            self.session.end_turn()
        else:
            self.session.begin_turn()
        self._refresh_all()

    def action_mute(self) -> None:
        self.session.gate.muted = not self.session.gate.muted
        self._refresh_all()

    def action_hands_free(self) -> None:
        self.session.set_hands_free(not self.session.gate.hands_free)
        self._refresh_all()

    def action_stop(self) -> None:
        self.session.drop_turn()
        self.session.interrupt()
        self._quit_asked = False

    def action_maybe_quit(self) -> None:
        if self._quit_asked:
            self.exit(return_code=0)
            return
        self.action_stop()
        self._quit_asked = True
        self.set_timer(3, self._forget_quit)
        self._tell("quit_again")

    def _forget_quit(self) -> None:
        self._quit_asked = False

    async def action_quit(self) -> None:
        self.exit(return_code=0)

    def action_scroll(self, direction: str) -> None:
        transcript = self.query_one(Transcript)
        if direction == "up":
            transcript.scroll_page_up()
        else:
            transcript.scroll_page_down()

    def action_copy_reply(self) -> None:
        replies = [row for row in self.session.conversation.rows if row.role == "assistant"]
        if replies:
            self.copy_to_clipboard(replies[-1].text)
        self._tell("copied" if replies else "nothing_to_copy")

    def action_reconnect(self) -> None:
        self.session.conversation.note("reconnect", self._words("reconnecting"))
        self.session.redial()

    # -- pages ----------------------------------------------------------------------------------

    def action_help(self) -> None:
        self.push_screen(HelpPage(self._words))

    def action_pick_model(self) -> None:
        choices = [self._model_choice(row) for row in self._doors.models()]
        picker = Picker(self._words("pick_model"), choices, self.session.line.model)
        self.push_screen(picker, self._switch_model)

    def _model_choice(self, row: ModelRow) -> Choice:
        words = self._words
        key = words("key_set") if row.has_key else words("key_missing", env=row.key_env)
        remark = f"[{key if row.key_env else words('key_none')}] {' '.join(row.abilities)}"
        return Choice(row.name, row.provider, f"{row.name:<22}", remark)

    def _switch_model(self, model: str | None) -> None:
        if model is None:
            return
        try:
            dial = self._doors.dial(model)
        except VoiceChatError as error:
            self.hear(error)
            return
        self.session.conversation.note("switch", self._words("switching", model=model))
        self.session.redial(dial)

    def action_pick_device(self) -> None:
        try:
            rows = self._doors.devices()
        except VoiceChatError as error:
            self.hear(error)
            return
        choices = self._device_choices(rows, "input") + self._device_choices(rows, "output")
        if choices:
            self.push_screen(Picker(self._words("pick_device"), choices), self._switch_device)
        else:
            self._tell("no_devices")

    def _device_choices(self, rows: list[DeviceRow], side: str) -> list[Choice]:
        group = self._words("microphones" if side == "input" else "loudspeakers")
        default = self._words("default_device")
        return [
            Choice(
                f"{side}-{row.index}",
                group,
                row.name,
                default if getattr(row, f"is_default_{side}") else "",
            )
            for row in rows
            if getattr(row, f"{side}s")
        ]

    def _switch_device(self, picked: str | None) -> None:
        if picked is not None:
            side, index = picked.split("-")
            self._doors.pick_device(side, int(index))

    def _tell(self, key: str) -> None:
        self.notify(self._words(key), markup=False, timeout=3)

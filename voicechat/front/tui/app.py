"""The Textual application: keys to the session, the session to widgets.

Words are pushed by the session's listener but drawn on a timer, so that ten thousand deltas a
second cost no more repaints than ten; levels are polled on the same timer.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.driver import Driver
from textual.screen import Screen
from textual.widgets import Footer, Input

from voicechat.connection.target import Target
from voicechat.errors import VoiceChatError
from voicechat.events import Event, ProviderFailed, ReplyFinished
from voicechat.front.app_api import AppApi, TypedKey
from voicechat.front.slash_commands import (
    Help,
    Leave,
    Mistake,
    Say,
    Show,
    ShowFile,
    Shown,
    ShowScreen,
    carry_out,
    read_order,
)
from voicechat.front.tui.choices import device_choices, model_choices
from voicechat.front.tui.consent import ConsentQuestion
from voicechat.front.tui.pace import Pace
from voicechat.front.tui.pickers import Finder, HelpPage, Picker
from voicechat.front.tui.prompt import Prompt
from voicechat.front.tui.status import LineBar, StatusBar, say_levels
from voicechat.front.tui.talk_key import TalkKey
from voicechat.front.tui.terminal.kitty_keys import (
    KeyboardAnswered,
    KeyReleased,
    KeysLost,
    RepeatedKey,
)
from voicechat.front.tui.transcript.transcript import Transcript
from voicechat.front.words.words import Words
from voicechat.session.session import Session
from voicechat.text.clean import clean_line

VOLUME_STEP = 0.1
SLOW_S = 0.7
"""After so long the user is told that a picture takes its time."""


class VoiceChatApp(App[None]):
    """One conversation on the screen."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "voicechat"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        words: Words,
        doors: AppApi,
        *,
        theme: str = "dark",
        on_leave: Callable[[int], None] = lambda code: None,
    ) -> None:
        self._words = words
        self._line, self._status = LineBar(words), StatusBar(words)
        self._transcript, self._prompt = Transcript(words), Prompt()
        self._question = ConsentQuestion(words)
        super().__init__()
        self.session: Session
        self.crash: BaseException | None = None
        """A bug that ended the program."""
        self._doors = doors
        self._on_leave = on_leave
        self._wanted_theme = "textual-light" if theme == "light" else "textual-dark"
        self._quit_asked = False
        self._talk_key, self._pressed_at = TalkKey(), 0.0
        self._showing = asyncio.Lock()
        """One order to show something at a time: they arrive as they were given."""
        self._dial_again: Callable[[], Target] | None = None
        """How to connect with a key that was just stored; None: as before."""
        self._owes_frames = False
        self._is_question_behind = False
        """A question waits, and another page hides it."""
        self._picked: dict[str, int] = {}
        """Devices chosen on this screen, by side."""
        self._pace = Pace(self._refresh_all, self._handle_exception)
        self.animation_level = "none"  # Sixty frames a second, beside sound that must not wait.
        self._bindings = self._keys()

    def _keys(self) -> BindingsMap:
        """The keys, most wanted first: a narrow footer shows only so many."""
        words = self._words
        shown = (
            ("f1", "help", "key_help"),
            ("ctrl+q", "quit", "key_quit"),
            ("f2", "pick_model", "key_model"),
            ("f3", "pick_device", "key_devices"),
            ("f4", "mute", "key_mute"),
            ("ctrl+t", "hands_free", "key_hands_free"),
            ("f5", "reconnect", "key_reconnect"),
        )
        hidden = (
            ("ctrl+y", "copy_reply"),
            ("ctrl+r", "record"),
            ("ctrl+up,f8", "volume(1)"),
            ("ctrl+down,f7", "volume(-1)"),
            ("ctrl+c", "maybe_quit"),
            ("space", "talk"),
            ("escape", "stop"),
            ("pageup", "scroll('up')"),
            ("pagedown", "scroll('down')"),
        )
        keys = [
            Binding(key, action, words(name), key_display=_key_name(key), priority=key == "ctrl+q")
            for key, action, name in shown
        ]
        return BindingsMap([*keys, *(Binding(key, action, show=False) for key, action in hidden)])

    def get_driver_class(self) -> type[Driver]:
        if sys.platform == "win32":
            return super().get_driver_class()
        from voicechat.front.tui.terminal.driver import TerminalDriver

        return TerminalDriver

    def compose(self) -> ComposeResult:
        yield self._line
        yield self._transcript
        yield self._status
        yield self._question
        yield self._prompt
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.theme = self._wanted_theme
        self._prompt.focus()
        self.session.set_consent(self._question.ask)
        self._pace.start()

    async def on_unmount(self) -> None:
        self._pace.stop()

    def give_up(self, error: Exception) -> None:
        """End with exit code 1; `run_screen` says why, in one line."""
        self.crash = error
        self.exit(return_code=1)

    def exit(self, result: None = None, return_code: int = 0, message: Any = None) -> None:
        self._on_leave(return_code)
        super().exit(result, return_code, message)

    def _fatal_error(self) -> None:
        """Textual would print a traceback with all local variables: keys must not be among them."""
        self.crash = self._exception
        self._on_leave(1)
        self._close_messages_no_wait()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Skip frames that the terminal is too slow for: waiting would hold the sound up."""
        if getattr(self._driver, "is_behind", False):
            self._owes_frames = True
        else:
            super()._display(screen, renderable)

    def _catch_up(self) -> None:
        """After skipped frames, draw all of it once the terminal takes something again."""
        if self._owes_frames and getattr(self._driver, "is_idle", True):
            self._owes_frames = False
            self.refresh()

    # -- the session tells ----------------------------------------------------------------------

    def hear(self, event: Event | VoiceChatError) -> None:
        """The session's listener: what has no row of its own becomes a note."""
        self._pace.hurry()
        match event:
            case VoiceChatError():
                self._note("error", event.sentence)
            case ProviderFailed("no_answer"):
                pass  # It ends the line, and is told as the error that did.
            case ProviderFailed(code, message, fatal=False):
                self._note(f"error-{code}", message)
            case ReplyFinished(status="failed") if event.code != "text_ignored":
                self._note("error-reply", event.message or event.code or self._words("failed"))
            case ReplyFinished(status="incomplete") if (
                event.code != "line_lost"
            ):  # Told as an error.
                self._note("incomplete", self._words("incomplete", reason=event.code or "?"))

    def _note(self, code: str, text: str) -> None:
        self.session.note(code, text)

    def _refresh_all(self) -> bool:
        """Bring everything up to date; whether anything was new."""
        self._catch_up()
        if not self.is_running or not self.screen_stack:
            return False
        session, snapshot, transcript = self.session, self.session.snapshot(), self._transcript
        is_new = self._line.draw(session, snapshot.phase)
        is_new |= transcript.show(session.rows, session.shown)
        recorder = self._doors.recorder()
        recorded_s = recorder.seconds if recorder is not None else 0.0
        is_new |= self._status.draw(
            snapshot, is_scrolled=transcript.is_scrolled, recorded_s=recorded_s
        )
        is_new |= self._draw_prompt(snapshot.phase, is_live=snapshot.is_live)
        self._draw_question()
        return is_new or self._owes_frames

    def _draw_question(self) -> None:
        was_behind = self._is_question_behind
        self._question.draw(self._prompt.value)
        self._is_question_behind = self._question.is_open and len(self.screen_stack) > 1
        if self._is_question_behind and not was_behind:
            self._tell("consent_behind")

    def _draw_prompt(self, phase: str, *, is_live: bool) -> bool:
        prompt, key = self._prompt, self._talk_key
        session, words = self.session, self._words
        hint = "type_only"
        if session.has_microphone:
            hint = "type_or_hold" if key.tells_release else "type_here"
        if phase == "offline":
            look, title, hint = "offline", "reconnect_hint", "type_only"
        elif is_live:
            look, hint = "live", "speak_now"
            title = "live_held" if key.is_held(time.monotonic()) else "live_ptt"
            title = "live_hands_free" if session.is_hands_free else title
            title = "waking" if self._doors.is_waking() else title
        elif session.is_hands_free and session.has_microphone:
            look, title, hint = "muted", "muted", "type_only"
        else:
            look, title = "quiet", "talk_hold" if key.tells_release else "talk"
            title = title if session.has_microphone else "text_only"
        if phase == "offline" and (left_s := session.retry_in_s) is not None:
            text, hint = words("retry_hint", seconds=left_s), "type_here_waits"
        else:
            text = words(title)
        is_new = (prompt.border_title, prompt.placeholder) != (text, words(hint))
        if prompt.border_title != text:
            prompt.border_title = text
            prompt.set_classes(look)
        if prompt.placeholder != words(hint):
            prompt.placeholder = words(hint)
        return is_new

    # -- keys -----------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        """Send it or carry it out; what cannot be, stays in the box.  Keys are asked about."""
        typed = self._doors.find_key(event.value, self.session.provider_name)
        if typed is None:
            self._perform(event.value)
        else:
            self._prompt.clear()
            self.run_worker(self._ask_about_key(typed, event.value))

    async def _ask_about_key(self, typed: TypedKey, line: str) -> None:
        """Store it, send it or forget it: the line is in no history, and no file but the config."""
        verdict = await self._question.ask_about_key(typed.title)
        if verdict == "store":
            self._store_key(typed)
        elif verdict == "send":
            self._doors.hide_key(typed)
            self._perform(line, is_secret=True)
        else:
            self._tell("key_dropped")

    def _store_key(self, typed: TypedKey) -> None:
        try:
            path = self._doors.store_key(typed)
            if typed.provider == self.session.provider_name:
                self._dial_again = self._doors.dial(self.session.model_name)
        except VoiceChatError as error:
            self.hear(error)
            return
        where = clean_line(str(path), 200)
        self._note("key_stored", self._words("key_stored", title=typed.title, path=where))

    def _perform(self, line: str, *, is_secret: bool = False) -> None:
        order, is_offline = read_order(line), self.session.snapshot().phase == "offline"
        match order:
            case Mistake(key, values):
                self._tell(key, **values)
                return
            case Help():
                self.action_help()
            case Leave():
                self.exit(return_code=0)
            case _ if is_offline and self.session.retry_in_s is None:
                self._tell("not_sent")
                return
            case Say(text):
                self.session.say(text)
                if is_offline:
                    self._tell("waits_for_line")
            case ShowFile() | ShowScreen():
                self.run_worker(self._show(order, line, is_secret=is_secret))
        if line.strip() and not is_secret:
            self._prompt.remember(line)
        self._prompt.clear()
        self.action_newest()

    async def _show(self, order: Show, line: str, *, is_secret: bool) -> None:
        """Show the model something; where that fails, the words come back into the box."""
        slow = self.set_timer(SLOW_S, lambda: self._tell("picture_loading"))
        shown: list[Shown] = []
        try:
            async with self._showing:
                shown = await carry_out(order, self.session)
            if not (shown or self.session.sees_pictures):
                self._tell("picture_not_sent")
        except VoiceChatError as error:
            self.hear(error)
        finally:
            slow.stop()
        if not shown and not is_secret:
            self._prompt.give_back(line)
        for one in shown:
            if one.picture is not None:
                gallery = getattr(self._driver, "gallery", None)
                await self._transcript.illustrate(one.row, one.picture, gallery)

    async def on_event(self, event: events.Event) -> None:
        """A key that answers the question goes no further: the box would take any letter."""
        if isinstance(event, events.InputEvent):
            self._pace.hurry()
        if isinstance(event, events.Key):
            if self._is_talk_again(event) or self._is_answer(event.key):
                return
            if event.key == "space":
                self._pressed_at = event.time
        await super().on_event(event)

    def _is_talk_again(self, event: events.Key) -> bool:
        """Whether the key only says that the talk key is still down."""
        if not isinstance(event, RepeatedKey) or event.key.split("+")[-1] != "space":
            return False
        is_talk = len(self.screen_stack) == 1 and not self._prompt.value
        if is_talk or self._talk_key.is_down:
            self._talk_key.repeat(event.time)
            return True
        return False

    def on_keyboard_answered(self, event: KeyboardAnswered) -> None:
        self._talk_key.tells_release = event.tells_release

    def on_key_released(self, event: KeyReleased) -> None:
        self._talk_key.tells_release = True
        if event.key == "space" and self._talk_key.release(event.time):
            self._end_held_turn()

    def on_app_blur(self) -> None:
        """Another window has the keyboard: that the key is let go is told to that one."""
        if self._talk_key.lose():
            self._end_held_turn()

    def on_keys_lost(self, event: KeysLost) -> None:
        self.on_app_blur()

    def _end_held_turn(self) -> None:
        self.session.end_turn()
        self._refresh_all()

    def _is_answer(self, key: str) -> bool:
        is_in_sight = len(self.screen_stack) == 1
        return is_in_sight and self._question.on_key(key, self._prompt.value)

    @on(Input.Changed, "#prompt")
    def _note_typing(self) -> None:
        self._question.touch()

    @on(Input.Changed)
    @on(Prompt.Newest)
    def action_newest(self) -> None:
        self._transcript.show_newest()

    @on(Prompt.Talk)
    def _talk(self, event: Prompt.Talk) -> None:
        self._pressed_at = event.at
        self.action_talk()

    def action_talk(self) -> None:
        if not self._talk_key.press(self._pressed_at):
            return
        if not self.session.has_microphone:
            self._tell("no_microphone")
        elif self.session.is_hands_free:
            self.action_mute()
        elif self.session.snapshot().is_live:
            self.session.end_turn()
        else:
            self.session.begin_turn()
            self._talk_key.begin(self._pressed_at)
        self._refresh_all()

    def action_mute(self) -> None:
        if not self.session.has_microphone:
            self._tell("no_microphone")
        elif not self.session.is_hands_free:
            self._tell("mute_is_hands_free")
        else:
            self.session.toggle_mute()
        self._refresh_all()

    def action_hands_free(self) -> None:
        hands_free = not self.session.is_hands_free
        self.session.set_hands_free(hands_free)
        off = "hands_free_off_hold" if self._talk_key.tells_release else "hands_free_off"
        self._tell("hands_free_on" if hands_free else off)
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
        transcript = self._transcript
        if direction == "up":
            transcript.scroll_page_up(animate=False)
        else:
            transcript.scroll_page_down(animate=False)
        self._refresh_all()

    def action_copy_reply(self) -> None:
        replies = [row for row in self.session.rows if row.role == "assistant"]
        if replies:
            self.copy_to_clipboard(replies[-1].text)
        self._tell("copied" if replies else "nothing_to_copy")

    def action_record(self) -> None:
        """Begin or end a recording; that it runs stays in sight."""
        recorder, session = self._doors.recorder(), self.session
        if recorder is None or not (session.has_microphone or session.has_loudspeaker):
            self._tell("recording_no_sound")
            return
        try:
            is_on = recorder.toggle()
        except VoiceChatError as error:
            self.hear(error)
            return
        path = clean_line(str(recorder.path), 200)
        self._tell("recording_on" if is_on else "recording_off", path=path)
        self._refresh_all()

    def action_volume(self, steps: int) -> None:
        """Louder or softer by so many steps; shown for a moment."""
        session = self.session
        session.volume = round(session.volume + steps * VOLUME_STEP, 2)
        percent = round(session.volume * 100)
        self._status.show_for_a_moment(self._words("volume", percent=percent))
        self._refresh_all()

    def action_reconnect(self) -> None:
        self._note("reconnect", self._words("reconnecting"))
        self.session.redial(self._dial_again)
        self._dial_again = None

    # -- pages ----------------------------------------------------------------------------------

    def action_help(self) -> None:
        self.push_screen(HelpPage(self._words))

    def action_pick_model(self) -> None:
        words, session = self._words, self.session
        now = datetime.now().astimezone()
        choices = model_choices(words, self._doors.models(), now, session.model)
        current = (session.model, f"{session.provider_name}/{session.model}")
        finder = Finder(words("pick_filter"), words("pick_nothing"), words("signs_mean"))
        picker = Picker(words("pick_model"), choices, current, finder)
        self.push_screen(picker, self._switch_model)

    def _switch_model(self, model: str | None) -> None:
        if model is None:
            return
        try:
            dial = self._doors.dial(model)
        except VoiceChatError as error:
            self.hear(error)
            return
        self._dial_again = None
        self._note("switch", self._words("switching", model=model))
        self.session.redial(dial)

    def action_pick_device(self) -> None:
        self._tell("looking_devices")
        self.run_worker(self._pick_device(), exclusive=True, group="devices")

    async def _pick_device(self) -> None:
        try:
            rows = await self._doors.devices()
        except VoiceChatError as error:
            self.hear(error)
            return
        self.clear_notifications()
        if len(self.screen_stack) > 1:  # The user went elsewhere meanwhile.
            return
        choices, current = device_choices(self._words, rows, self._picked)
        if choices:
            title = self._words("pick_device")
            picker = Picker(title, choices, current, live=self._say_levels)
            self.push_screen(picker, self._switch_device)
        else:
            self._tell("no_devices")

    def _say_levels(self) -> str:
        return "  ".join(say_levels(self._words, self.session.snapshot()))

    def _switch_device(self, picked: str | None) -> None:
        if picked is not None:
            side, index = picked.split("-")
            self._picked[side] = int(index)
            self._doors.pick_device(side, int(index))

    def _tell(self, key: str, **values: str) -> None:
        self.notify(self._words(key, **values), markup=False, timeout=3)


def _key_name(key: str) -> str:
    """A key as the footer shows it: `F1`, `^Q`."""
    return key.replace("ctrl+", "^").upper()

"""Pages laid over the call: choose a model, choose a device, read the keys."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from voicechat.front.tui.entry import Entry
from voicechat.front.words.words import Words

LIVE_S = 0.1
"""How often a line that changes is drawn anew."""


@dataclass(frozen=True, slots=True)
class PickerRow:
    """One thing to choose."""

    id: str
    """What is answered; several choices may have the same."""
    group: str
    name: str
    remark: str = ""
    detail: str = ""
    """Shown below the list while it is marked."""
    sought: str = ""
    """More words to be found by."""

    def fits(self, words: list[str]) -> bool:
        text = f"{self.group} {self.name} {self.remark} {self.sought}".casefold()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Finder:
    """The texts of a list that can be searched."""

    hint: str
    """Stands in the empty box."""
    nothing: str
    """Stands in the empty list."""
    foot: str = ""
    """Explains the signs of the list."""


class Picker(ModalScreen[str | None]):
    """A list of choices in groups, one line each; answers with the chosen id, or None.

    Args:
        current: Ids of what is in use; marked, and the first of them in sight.
        finder: Given: what is typed picks out the choices that hold these words.
        live: Given: a line below the list that is asked for again and again.
    """

    CSS = """
    Picker.searched #page { width: 100; height: 90%; }
    Picker.searched.-low #page { height: 100%; }
    Picker.searched #choices { height: 1fr; max-height: 100%; }
    #sought { height: 1; border: none; padding: 0; background: $boost; }
    #detail { height: 2; color: $text-muted; }
    Picker.-low #detail { display: none; }
    #choices > .option-list--option-disabled { color: $text-primary; }
    #foot { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        *(
            Binding(key, f"move({verb!r})", show=False, priority=True)
            for key, verb in (
                ("up", "cursor_up"),
                ("down", "cursor_down"),
                ("pageup", "page_up"),
                ("pagedown", "page_down"),
                ("home", "first"),
                ("end", "last"),
                ("enter", "select"),
            )
        ),
    ]
    """The list hears these keys while the box is typed into."""

    def __init__(
        self,
        title: str,
        choices: list[PickerRow],
        current: tuple[str, ...] = (),
        finder: Finder | None = None,
        live: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(classes="searched" if finder else None)
        self._title = title
        self._choices = choices
        self._current = current
        self._finder = finder
        self._live = live

    def compose(self) -> ComposeResult:
        finder = self._finder
        with Vertical(id="page"):
            yield Static(self._title, id="page-title", markup=False)
            if finder:
                yield Entry(placeholder=finder.hint, id="sought", select_on_focus=False)
            yield OptionList(id="choices")
            if finder:
                yield Static(id="detail", markup=False)
                yield Static(finder.foot, id="foot", markup=False)
            if self._live:
                yield Static(self._live(), id="live", markup=False)

    def on_mount(self) -> None:
        (self.query_one("#sought") if self._finder else self._list).focus()
        self._show("")
        if self._live:
            self.set_interval(LIVE_S, self._refresh_live)

    def _refresh_live(self) -> None:
        if self._live:
            self.query_one("#live", Static).update(self._live())

    @property
    def _list(self) -> OptionList:
        return self.query_one("#choices", OptionList)

    def _show(self, text: str) -> None:
        """The choices that fit, the first current one marked, else the first of all."""
        words = text.casefold().lstrip("/").split()
        fitting = [n for n, choice in enumerate(self._choices) if choice.fits(words)]
        shown = self._list
        shown.clear_options()
        shown.add_options(self._options(fitting))
        current = [n for n in fitting if self._choices[n].id in self._current]
        if first := (current or fitting)[:1]:
            shown.highlighted = shown.get_option_index(str(first[0]))
        elif self._finder:
            self.query_one("#detail", Static).update("")

    def _options(self, fitting: list[int]) -> Iterator[Option]:
        group = ""
        for number in fitting:
            choice = self._choices[number]
            if choice.group != group:
                group = choice.group
                yield Option(Content.styled(group, "bold"), disabled=True)
            mark = ">" if choice.id in self._current else " "
            text = Content(f"{mark} {choice.name}  ")
            yield Option(text + Content.styled(choice.remark, "dim"), id=str(number))
        if not fitting and self._finder:
            yield Option(Content.styled(self._finder.nothing, "dim"), disabled=True)

    @on(Input.Changed, "#sought")
    def _sought(self, event: Input.Changed) -> None:
        event.stop()  # The app has a box of its own.
        self._show(event.value)

    @on(OptionList.OptionHighlighted)
    def _explain(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if self._finder and event.option.id is not None:
            self.query_one("#detail", Static).update(self._choices[int(event.option.id)].detail)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id is not None:
            self.dismiss(self._choices[int(event.option.id)].id)

    async def action_move(self, verb: str) -> None:
        """Let the list do what a key says."""
        await self._list.run_action(verb)

    def action_leave(self) -> None:
        self.dismiss(None)


class HelpPage(ModalScreen[None]):
    """The keys; scrolls where the window is small."""

    BINDINGS = [Binding("escape,f1,q,enter", "leave", show=False)]

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield Static(self._words("help"), id="help", markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_leave(self) -> None:
        self.dismiss(None)

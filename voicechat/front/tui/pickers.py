"""Pages laid over the call: choose a model, choose a device, read the keys."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from voicechat.front.words import Words


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    id: str
    group: str
    name: str
    remark: str = ""


class Picker(ModalScreen[str | None]):
    """A list of choices in groups, one line each; answers with the chosen id, or None.

    Args:
        current: Ids of what is in use; marked, and the first of them in sight.
    """

    BINDINGS = [Binding("escape", "leave", show=False)]

    def __init__(self, title: str, choices: list[Choice], current: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._current = current

    def compose(self) -> ComposeResult:
        with Vertical(id="page"):
            yield Static(self._title, id="page-title", markup=False)
            yield OptionList(*self._options(), id="choices")

    def _options(self) -> list[Option]:
        options: list[Option] = []
        group = ""
        for choice in self._choices:
            if choice.group != group:
                group = choice.group
                options.append(Option(Content.styled(group, "bold"), disabled=True))
            mark = ">" if choice.id in self._current else " "
            text = Content(f"{mark} {choice.name}  ")
            options.append(Option(text + Content.styled(choice.remark, "dim"), id=choice.id))
        return options

    def on_mount(self) -> None:
        choices = self.query_one(OptionList)
        choices.focus()
        known = [choice.id for choice in self._choices if choice.id in self._current]
        if known:
            choices.highlighted = choices.get_option_index(known[0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

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

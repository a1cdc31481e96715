"""One row as it is drawn: what changes, and what it keeps."""

from voicechat.conversation.conversation import Row, State
from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import Placement
from voicechat.front.tui.transcript.row_view import DrawContext, RowView
from voicechat.front.words.words import Words

PAGE = DrawContext(Words("en"), 12)


def text_of(view: RowView) -> list[str]:
    fold = view.lines(PAGE).fold
    return [fold.text[slice(*fold.span(number))] for number in range(len(fold))]


def test_only_what_is_new_is_drawn_and_the_first_line_of_it_is_told() -> None:
    row = Row("i", "assistant", "one two")
    view = RowView(row)
    assert view.draw(3, PAGE) == 0 and text_of(view) == ["one"]
    assert view.draw(3, PAGE) is None
    row.text += " three four"
    assert view.draw(13, PAGE) == 0 and view.height == 2
    assert view.draw(18, PAGE) == 1 and text_of(view) == ["one two", "three", "four"]
    assert view.may_have_changed and not view.is_settled


def test_a_finished_row_rests_and_its_lines_are_found_again() -> None:
    view = RowView(Row("i", "assistant", "one two three", state=State.DONE))
    view.draw(13, PAGE)
    kept = view.lines(PAGE)
    assert view.is_settled and not view.may_have_changed
    view.rest()
    assert view.lines(PAGE) is not kept and text_of(view) == ["one two", "three"]


def test_a_row_that_grows_keeps_its_lines() -> None:
    view = RowView(Row("i", "assistant", "one"))
    view.draw(3, PAGE)
    kept = view.lines(PAGE)
    view.rest()
    assert view.lines(PAGE) is kept


def test_a_finished_row_is_drawn_again_when_it_is_cut_or_corrected() -> None:
    row = Row("i", "user", "one", state=State.DONE)
    view = RowView(row)
    view.draw(3, PAGE)
    view.rest()
    row.text = "won"
    assert view.may_have_changed and view.draw(3, PAGE) == 0 and text_of(view) == ["won"]
    row.state, row.heard_text = State.CUT, "w"
    assert view.may_have_changed and view.draw(1, PAGE) == 0
    assert text_of(view)[0].startswith("w [cut")


def test_a_picture_makes_a_row_higher() -> None:
    view = RowView(Row("i", "user", "cat", state=State.DONE, code="picture"))
    view.draw(3, PAGE)
    height = view.height
    view.drawing = Sketch(2, 4, bytes(24))
    assert len(view.lines(PAGE).cells) == 0 and view.height == height
    assert view.may_have_changed and view.draw(3, PAGE) == 0 and view.height == height + 2
    lines = view.lines(PAGE)
    assert lines.picture(0) == [] and len(lines.picture(height)) >= 2


def test_another_picture_takes_the_place_of_the_one_before() -> None:
    row = Row("i", "user", "cat", state=State.DONE, code="picture")
    view = RowView(row, Sketch(2, 4, bytes(24)))
    view.draw(3, PAGE)
    height = view.height
    view.rest()
    view.drawing = Placement(7, 1, 1)
    assert len(view.lines(PAGE).cells) == 2  # Until it is drawn, its lines are as many as before.
    assert view.may_have_changed and view.draw(3, PAGE) == 0
    assert view.height == height - 1 and not view.may_have_changed

"""Rows one under the other: every line belongs to one of them, whatever happens to the others."""

import gc
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from voicechat.conversation.conversation import Role, Row, State
from voicechat.front.tui.transcript.layout import AWAKE, Roll
from voicechat.front.tui.transcript.row_view import DrawContext, RowView
from voicechat.front.words.words import Words

PAGE = DrawContext(Words("en"), 12)


def said(name: str, text: str, role: Role = "user") -> Row:
    return Row(name, role, text, state=State.DONE)


def lines_of(roll: Roll) -> list[str]:
    """All lines, by their numbers."""
    found = []
    for line in range(roll.first, roll.end):
        view, number = roll.find(line) or (None, 0)
        assert view is not None
        fold = roll.lines(view).fold
        found.append(fold.text[slice(*fold.span(number))] if number >= 0 else "-")
    return found


def show(roll: Roll, rows: list[Row], *, all_rows: bool = True) -> tuple[int, int] | None:
    moved = roll.align(rows, RowView, all_rows=all_rows)
    return roll.draw(lambda row: len(row.text), all_rows=all_rows or moved is not None)


def test_lines_stand_in_the_order_of_the_rows_with_a_gap_above_the_user() -> None:
    roll = Roll(PAGE, gap=1)
    show(roll, [said("a", "one"), said("b", "x", "assistant"), said("c", "three four")])
    assert lines_of(roll) == ["-", "one", "x", "-", "three", "four"]
    assert roll.extent(0) == (1, 1) and roll.extent(5) == (4, 5)
    assert roll.find(6) is None and roll.find(-1) is None


def test_a_late_row_and_one_that_is_gone_move_the_others() -> None:
    roll = Roll(PAGE)
    a, b, c = said("a", "one"), said("b", "two"), said("c", "three")
    show(roll, [a, c])
    assert roll.align([a, b, c], RowView, all_rows=False) == 1
    show(roll, [a, b, c])
    assert lines_of(roll) == ["one", "two", "three"]
    show(roll, [a, b])
    assert lines_of(roll) == ["one", "two"]
    show(roll, [b, a])
    assert lines_of(roll) == ["two", "one"]
    show(roll, [])
    assert lines_of(roll) == [] and roll.height == 0


def test_lines_keep_their_numbers_when_old_rows_leave() -> None:
    roll = Roll(PAGE)
    rows = [said(f"r{number}", f"row {number}") for number in range(5)]
    show(roll, rows)
    show(roll, rows[2:])
    assert (roll.first, roll.end) == (2, 5) and lines_of(roll) == ["row 2", "row 3", "row 4"]


def test_only_the_lines_that_changed_are_told() -> None:
    roll = Roll(PAGE)
    rows = [said("a", "one"), said("b", "two three"), said("c", "four")]
    show(roll, rows)
    assert lines_of(roll) == ["one", "two", "three", "four"]
    assert show(roll, rows) is None
    rows[1].text = "two 33333"
    assert show(roll, rows) == (1, 3)
    rows[0].text = "ten 22222"
    assert show(roll, rows) == (0, 5)
    rows[2].text = "five"
    assert show(roll, rows) == (4, 5)


def test_a_place_stays_where_it_is_however_it_is_drawn() -> None:
    roll = Roll(PAGE, gap=1)
    rows = [said("a", "one two three four"), said("b", "five")]
    show(roll, rows)
    assert lines_of(roll) == ["-", "one two", "three four", "-", "five"]
    place, gap = roll.place(2), roll.place(3)
    assert place is not None and gap is not None
    rows.insert(0, said("z", "zero"))
    show(roll, rows)
    assert lines_of(roll)[roll.line_of(place)] == "three four"
    roll.draw_anew(DrawContext(PAGE.words, 40), 0)
    assert lines_of(roll)[roll.line_of(place)] == "one two three four"
    assert lines_of(roll)[roll.line_of(gap)] == "five"
    show(roll, rows[2:])
    assert roll.line_of(place) == roll.first and roll.place(roll.end) is None


def test_old_rows_are_looked_at_when_all_are() -> None:
    roll = Roll(PAGE)
    rows = [said(f"r{number}", "x") for number in range(200)]
    show(roll, rows)
    rows[3].text = "y"
    assert show(roll, rows, all_rows=False) is None
    assert show(roll, rows) == (3, 4)


@given(st.lists(st.sampled_from(["a", "bb cc dd ee", "你好你好你好你好", "x\ny"]), max_size=12))
def test_every_line_is_found_in_its_row(texts: list[str]) -> None:
    roll = Roll(PAGE, gap=1)
    show(roll, [said(f"r{at}", text) for at, text in enumerate(texts)])
    assert roll.height == sum(view.height + 1 for view in roll) == len(lines_of(roll))


def test_rows_out_of_sight_cost_little_beside_their_words() -> None:
    rows = [said(f"r{number}", f"{number} " + "word " * 30) for number in range(500)]
    roll = Roll(DrawContext(Words("en"), 40))
    gc.collect()
    tracemalloc.start()
    show(roll, rows)
    for line in range(roll.first, roll.end, 10):
        assert roll.place(line) is not None
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(view._lines is not None for view in roll) == AWAKE
    assert used / len(rows) < 600, "bytes"

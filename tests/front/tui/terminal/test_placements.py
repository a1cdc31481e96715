"""The terminal holds the newest pictures, and none that nobody sees any more."""

from tests.fakes.terminal_pictures import Wall
from voicechat.front.pictures import Sketch
from voicechat.front.tui.terminal.kitty_graphics import NUMBERS
from voicechat.front.tui.terminal.placements import MOST, Gallery

SKETCH = Sketch(192, 96, bytes(192 * 96 * 3))


class Written:
    """A gallery in a terminal that may be behind."""

    def __init__(self) -> None:
        self.wall = Wall()
        self.is_behind = False
        self.gallery = Gallery(self.write, lambda: self.is_behind)
        self.gallery.open()

    def write(self, text: str) -> None:
        assert text
        self.wall.feed(text.encode())

    def hang(self, *keys: str) -> list[int]:
        """The numbers under which they hang."""
        for key in keys:
            self.gallery.hang(key, SKETCH, 48, 12)
        return [self.number(key) for key in keys]

    def number(self, key: str) -> int:
        placement = self.gallery.placement(key)
        assert placement is not None
        return placement.number


def test_a_picture_hangs_under_its_number_until_it_is_taken_down() -> None:
    written = Written()
    one, two = written.hang("one", "two")
    assert one != two and {one, two} <= set(NUMBERS)
    assert written.wall.places == {one: (24, 6), two: (24, 6)}
    written.gallery.take_down("one")
    written.gallery.take_down("none")
    assert list(written.wall.pictures) == [two] and written.gallery.placement("one") is None


def test_the_oldest_make_room_and_their_numbers_rest() -> None:
    written = Written()
    names = [str(n) for n in range(5 * MOST)]
    numbers = written.hang("first", *names[: MOST - 1])
    for name in names[MOST - 1 :]:
        gone = numbers.pop(0)
        numbers += written.hang(name)
        assert numbers[-1] != gone and sorted(written.wall.pictures) == sorted(numbers)
    assert written.gallery.placement("first") is None


def test_a_number_is_never_taken_from_a_picture_that_hangs() -> None:
    written = Written()
    (oldest,) = written.hang("oldest")
    for n in range(2 * len(NUMBERS)):
        (number,) = written.hang(str(n))
        assert number != oldest
        written.gallery.take_down(str(n))


def test_a_terminal_that_is_behind_is_told_nothing_until_it_is_left() -> None:
    written = Written()
    one, _ = written.hang("one", "two")
    written.is_behind = True
    written.gallery.hang("three", SKETCH, 48, 12)
    written.gallery.take_down("one")
    written.gallery.fit(10, 5)
    assert written.gallery.placement("one") is written.gallery.placement("three") is None
    assert one in written.wall.pictures and len(written.wall.sent) == 2
    assert set(written.wall.places.values()) == {(24, 6)}
    written.gallery.close()
    assert written.wall.pictures == {}


def test_a_screen_that_is_left_is_empty_and_all_hangs_again_on_the_next() -> None:
    written = Written()
    numbers = written.hang("one", "two")
    written.gallery.close()
    written.gallery.close()
    assert not written.wall.pictures and not written.wall.places
    written.gallery.hang("three", SKETCH, 48, 12)
    written.gallery.fit(10, 5)
    assert written.gallery.placement("three") is None and not written.wall.pictures
    written.gallery.open()
    assert list(written.wall.places) == numbers == [written.number("one"), written.number("two")]
    assert written.wall.sent == numbers * 2


def test_pictures_are_stretched_to_another_room_without_being_sent_again() -> None:
    written = Written()
    (one,) = written.hang("one")
    for room, size in (((12, 12), (12, 3)), ((48, 4), (16, 4)), ((99, 99), (24, 6))):
        written.gallery.fit(*room)
        placement = written.gallery.placement("one")
        assert placement is not None and (placement.columns, placement.lines) == size
        assert written.wall.places == {one: size}
        written.gallery.fit(*room)
        assert written.gallery.placement("one") is placement
    assert written.wall.sent == [one]

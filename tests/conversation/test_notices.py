"""What the user should know is kept and told; once, where once is enough."""

import asyncio
import threading
from collections import Counter

from voicechat.conversation.conversation import Conversation
from voicechat.conversation.notices import Notices
from voicechat.events import Notice


class Room:
    """Notices, and who hears them."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.told: list[Notice] = []
        self.threads: set[int] = set()
        """In which it was told."""
        self.notices = Notices(self.conversation, self._hear)

    def _hear(self, notice: Notice) -> None:
        self.threads.add(threading.get_ident())
        self.told.append(notice)

    def kept(self) -> list[str]:
        return [row.text for row in self.conversation.rows]


async def test_what_is_told_stands_among_what_was_said() -> None:
    room = Room()
    room.notices.tell(Notice("code", "Plug it in"))
    room.notices.tell(Notice("code", "Plug it in"))
    assert room.kept() == ["Plug it in"] * 2 == [notice.message for notice in room.told]


async def test_once_is_once_for_the_same_words() -> None:
    room = Room()
    for words in ("An old name", "An old name", "Another"):
        room.notices.tell_once(Notice("model", words))
    assert room.kept() == ["An old name", "Another"]


async def test_silence_is_told_once_and_devices_every_time() -> None:
    room = Room()
    for code in ("sound_silent", "sound_lost", "sound_silent", "sound_lost"):
        room.notices.tell(Notice(code, f"{code} {len(room.told)}"))
    assert [notice.code for notice in room.told] == ["sound_silent", "sound_lost", "sound_lost"]


async def test_a_thread_is_heard_where_everything_is_told() -> None:
    room = Room()
    await asyncio.to_thread(room.notices.tell, Notice("not_saved", "The disk is full"))
    await asyncio.sleep(0)
    assert room.told == [Notice("not_saved", "The disk is full")]
    assert room.threads == {threading.get_ident()} and room.kept() == ["The disk is full"]


async def test_notices_of_many_threads_are_all_told_and_what_is_told_once_is_told_once() -> None:
    room = Room()

    def tell(number: int) -> None:
        room.notices.tell(Notice("recording_gap", f"gap {number}"))
        room.notices.tell(Notice("sound_silent", f"silent {number}"))

    await asyncio.gather(*(asyncio.to_thread(tell, number) for number in range(20)))
    await asyncio.sleep(0)
    assert sorted(room.kept()) == sorted(notice.message for notice in room.told)
    codes = Counter(notice.code for notice in room.told)
    assert codes == {"recording_gap": 20, "sound_silent": 1}
    assert room.threads == {threading.get_ident()}


def test_a_thread_that_outlives_the_loop_is_told_to_nobody() -> None:
    async def build() -> Room:
        return Room()

    room = asyncio.run(build())
    thread = threading.Thread(target=room.notices.tell, args=(Notice("not_saved", "too late"),))
    thread.start()
    thread.join()
    assert room.told == [] and room.kept() == []

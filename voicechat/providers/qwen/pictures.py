"""Pictures for Qwen: they lie in a buffer beside the sound, and are committed with it.

The rule: sound first, then the picture; a picture waits for the user's next sound, and one that
goes with typed words is carried by a moment of silence, which is no turn of the user's.
"""

from voicechat.events import SendImage
from voicechat.providers.audio_fields import encode
from voicechat.providers.base import Enqueue
from voicechat.providers.json_fields import JsonObject, identity
from voicechat.providers.openai.response_state import Recent
from voicechat.text.phrase import phrase

LARGEST_BYTES = 500_000
SILENCE_MS = 200
"""A turn must have at least 100 ms of sound."""


def unfit(picture: SendImage) -> str:
    """What Qwen takes in place of this picture; empty: it will do."""
    if picture.mime == "image/jpeg" and len(picture.data) <= LARGEST_BYTES:
        return ""
    return phrase("JPEG pictures of at most {count} kB", count=LARGEST_BYTES // 1000)


class Pictures:
    """What is still to be shown.

    Attributes:
        carriers: Items that are nothing but the silence under a picture.
    """

    def __init__(self, say: Enqueue) -> None:
        self.carriers = Recent()
        self._say = say
        self._waiting: list[bytes] = []
        self._shown: list[bytes] = []
        self._silent_commits = 0

    def add(self, data: bytes) -> None:
        self._waiting.append(data)

    def show(self) -> None:
        """Sound was sent: what waited for it follows."""
        for data in self._waiting:
            self._say({"type": "input_image_buffer.append", "image": encode(data)})
        self._shown, self._waiting = [*self._shown, *self._waiting], []

    def take_back(self) -> None:
        """The server's buffer is cleared: what was in it must be shown again."""
        self._waiting, self._shown = [*self._shown, *self._waiting], []

    def show_in_silence(self, rate: int) -> None:
        """Bring in what waits without any sound of the user's."""
        silence = bytes(SILENCE_MS * rate // 1000 * 2)
        message = {"type": "input_audio_buffer.append", "audio": encode(silence)}
        self._say(message, sound_s=SILENCE_MS / 1000)
        self.show()
        self._say({"type": "input_audio_buffer.commit"})
        self._silent_commits += 1

    def committed(self, message: JsonObject) -> bool:
        """The buffer became an item; whether it is only a carrier."""
        self._shown = []
        if not self._silent_commits:
            return False
        self._silent_commits -= 1
        self.carriers.add(identity(message, "item_id"))
        return True

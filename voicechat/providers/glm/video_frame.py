"""The picture the model looks at: one JPEG, shown again with every turn.

GLM sees pictures only as frames of a video call.  A turn without a frame fails there, and the way
back to a voice call forgets the conversation; so the call stays, and the last picture with it.
Source: GLM-Realtime, `input_audio_buffer.append_video_frame`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from voicechat.events import SendImage
from voicechat.providers.audio_fields import encode
from voicechat.providers.json_fields import JsonObject
from voicechat.text.phrase import phrase

LARGEST_BYTES = 190_000
"""As base64 in a message it must stay below 256 KB, or the server closes the line (1009)."""


@dataclass(slots=True)
class VideoFrame:
    """What is shown, if anything."""

    say: Callable[[JsonObject], None]
    _frame: str = ""

    def look_at(self, picture: SendImage) -> None:
        """Look at this from now on."""
        self._frame = encode(picture.data)

    def show(self) -> None:
        """Send it once more."""
        if self._frame:
            frame = {"type": "input_audio_buffer.append_video_frame", "video_frame": self._frame}
            self.say(frame)


def complaint(picture: SendImage) -> str:
    """Why the service cannot take a picture; empty: it can."""
    if picture.mime != "image/jpeg" or not picture.data.startswith(b"\xff\xd8"):
        return phrase("GLM looks at JPEG pictures only")
    if len(picture.data) > LARGEST_BYTES:
        return phrase("GLM looks at pictures of at most {count} KB", count=LARGEST_BYTES // 1000)
    return ""

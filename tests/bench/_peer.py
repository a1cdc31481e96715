"""A simple client, as most are: `python -m tests.bench._peer PORT PREBUFFER_MS`.

Each line on stdin is sent as the user's text; the reply's sound goes to the default loudspeaker in
blocks of 10 ms as it comes, or once PREBUFFER_MS of it are there, and never waits again.
"""

import base64
import json
import sys
import threading

import sounddevice
from websockets.sync.client import connect

from tests.fakes.pulse import RATE


class Player:
    """Zeros where there is nothing."""

    def __init__(self, prebuffer_ms: int) -> None:
        self._prebuffer = prebuffer_ms * RATE // 500
        self._sound = bytearray()
        self._is_primed = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        with self._lock:
            self._is_primed = not self._prebuffer

    def add(self, pcm: bytes) -> None:
        with self._lock:
            self._sound += pcm
            self._is_primed = self._is_primed or len(self._sound) >= self._prebuffer

    def callback(self, out: memoryview, frames: int, times: object, status: object) -> None:
        with self._lock:
            taken = bytes(self._sound[: frames * 2]) if self._is_primed else b""
            del self._sound[: len(taken)]
        out[:] = taken + bytes(frames * 2 - len(taken))


def main() -> None:
    port, prebuffer_ms = int(sys.argv[1]), int(sys.argv[2])
    player = Player(prebuffer_ms)
    settings = {"samplerate": RATE, "channels": 1, "dtype": "int16", "latency": "low"}
    with (
        connect(f"ws://127.0.0.1:{port}/v1/realtime", proxy=None) as socket,
        sounddevice.RawOutputStream(blocksize=RATE // 100, callback=player.callback, **settings),
    ):
        print("ready", flush=True)
        for line in sys.stdin:
            item = {"content": [{"type": "input_text", "text": line.strip()}]}
            socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
            socket.send(json.dumps({"type": "response.create"}))
            player.begin()
            for message in socket:
                event = json.loads(message)
                if event["type"] == "response.output_audio.delta":
                    player.add(base64.b64decode(event["delta"]))
                if event["type"] == "response.done":
                    break


if __name__ == "__main__":
    main()

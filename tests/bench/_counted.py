"""The real program, which also writes down how often its sound card's callbacks came too late:
`python -m tests.bench._counted FILE [voicechat's options]`.

Once a second it writes one JSON object: by direction how often a block was lost since the start.
"""

import json
import sys
import threading
import time
from pathlib import Path

from voicechat.app.cli import main as voicechat
from voicechat.audio.card import portaudio


def _watch(path: Path, streams: list[portaudio.Stream]) -> None:
    while True:
        time.sleep(1)
        found = {"microphone": 0, "loudspeaker": 0}
        for stream in list(streams):
            found[stream.kind] += stream.xruns
        path.write_text(json.dumps(found))


def main() -> None:
    path = Path(sys.argv.pop(1))
    streams: list[portaudio.Stream] = []
    opened = portaudio.Stream.__init__

    def remember(stream: portaudio.Stream, device: portaudio.Device) -> None:
        opened(stream, device)
        streams.append(stream)

    portaudio.Stream.__init__ = remember  # type: ignore[method-assign, assignment]
    threading.Thread(target=_watch, args=(path, streams), daemon=True).start()
    voicechat()


if __name__ == "__main__":
    main()

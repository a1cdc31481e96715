"""The real program with a bug in it: `crashing.py session` or `crashing.py screen`."""

import asyncio
import os
import sys
from typing import Any

from voicechat.app import build as assembly
from voicechat.app import cli
from voicechat.front.app_api import AppApi
from voicechat.front.tui.run import run_screen
from voicechat.front.words.words import Words
from voicechat.session.session import Listener, Session, Snapshot


class BrokenSession(Session):
    """Fails a moment after its start."""

    secret = os.environ["OPENAI_API_KEY"]

    async def run(self, *, stay: bool = False, reconnects: bool = False) -> None:
        key = self.secret  # noqa: F841 - what a traceback with variables would show
        await asyncio.sleep(0.5)
        raise RuntimeError("a bug in the session")


class BrokenView(Session):
    """Fails when the screen looks at it."""

    looks = 0

    def snapshot(self) -> Snapshot:
        self.looks += 1
        if self.looks > 10:
            raise RuntimeError("a bug under the screen")
        return super().snapshot()


async def main(kind: str) -> int:
    args = cli.build_parser().parse_args(["--text", "--model", "local", "--no-save"])
    house = assembly.App.build(args, os.environ)

    def build(listener: Listener) -> Session:
        session: Any = house.build_session(listener, with_sound=False, wants_speech=False)
        session.__class__ = BrokenSession if kind == "session" else BrokenView
        return session  # type: ignore[no-any-return]

    doors = AppApi(house.find_models, house.dial, assembly.find_devices, house.pick_device)
    return await run_screen(build, doors, Words("en"))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))

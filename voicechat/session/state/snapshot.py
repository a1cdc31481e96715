"""What a screen polls of a session, many times a second; everything else is pushed to it.

Quiet: the parts are asked, and nothing is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from voicechat.audio.echo.echo import EchoStats
from voicechat.audio.engine import Engine
from voicechat.audio.playback.jitter import Stats
from voicechat.conversation.conversation import Row, State
from voicechat.session.state.cost import Bill
from voicechat.session.state.mic_gate import MicGate
from voicechat.session.state.turn import Turn


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look; the levels are those of the last chunks."""

    phase: str
    """`connecting`, `offline`, `ready`, `listening`, `thinking` or `speaking`."""
    is_live: bool
    """Whether what the microphone hears goes to the model now."""
    microphone_dbfs: float
    loudspeaker_dbfs: float
    playout: Stats | None
    latency_ms: int | None
    """From the end of the user's last turn to the first sound (or word) of the reply."""
    costs: Mapping[str, float]
    """What the call has cost so far, by currency; empty while nothing had a known price."""
    echo: EchoStats = EchoStats("off", None, None)
    """What is done about the loudspeaker's echo."""
    is_slow: bool = False
    """Whether replies run dry again and again: the link is slower than speech."""
    lost: int = 0
    """How often the sound card lost sound, or got it too late."""
    is_cost_partial: bool = False
    """Whether there was more: something whose cost nobody knows."""


def take_snapshot(
    engine: Engine,
    gate: MicGate,
    turn: Turn,
    bill: Bill,
    now: float,
    *,
    is_ready: bool,
    has_problem: bool,
    is_working: bool,
) -> Snapshot:
    """Look at the parts of a session.

    Args:
        now: Monotonic seconds: time may be billed.
        is_ready: The session is agreed on.
        has_problem: The last line ended with an error.
        is_working: A tool of ours has a call that is not answered.
    """
    is_live = gate.is_open and (engine.has_microphone or gate.is_talking)
    phase = turn.phase(
        is_ready=is_ready,
        has_problem=has_problem,
        is_playing=engine.is_playing,
        is_talking=gate.is_talking,
        is_live=is_live,
        is_working=is_working,
    )
    return Snapshot(
        phase=phase,
        is_live=is_live,
        microphone_dbfs=engine.microphone_dbfs,
        loudspeaker_dbfs=engine.loudspeaker_dbfs,
        playout=engine.stats,
        latency_ms=turn.latency_ms,
        costs=bill.costs(now),
        is_cost_partial=bill.is_partial(now),
        echo=engine.echo,
        is_slow=engine.is_slow,
        lost=engine.lost,
    )


def shown_chars(row: Row, engine: Engine) -> int:
    """How many characters of a row may be shown, so that words keep step with the sound."""
    plays = row.role == "assistant" and row.state is not State.CUT
    progress = engine.progress(row.item_id) if plays else None
    if progress is None:
        return len(row.said)
    return row.heard_until(*progress, is_complete=row.state is State.DONE)

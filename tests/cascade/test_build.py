"""Options become parts: which kind, which address, whose key."""

import pytest

from voicechat.cascade.build import assemble
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.stt.stt import NoEars
from voicechat.cascade.tts.fallback import SpareMouth
from voicechat.cascade.tts.programs import EspeakMouth, SayMouth
from voicechat.cascade.tts.tts import NoMouth
from voicechat.errors import ConfigError


def test_auto_takes_what_is_there() -> None:
    mouth = assemble(LocalOptions(mouth="auto")).mouth
    assert isinstance(mouth, EspeakMouth | SayMouth)


def test_service_has_a_program_behind_it_where_one_is_installed() -> None:
    options = LocalOptions(mouth="https://x.test/v1", mouth_key="k", mouth_voice="nova")
    assert isinstance(assemble(options).mouth, SpareMouth)


def test_none_is_nobody() -> None:
    parts = assemble(LocalOptions(mouth="none", ears="none"))
    assert isinstance(parts.mouth, NoMouth) and isinstance(parts.ears, NoEars)


@pytest.mark.parametrize(
    "options",
    [
        LocalOptions(ears="nonsense"),
        LocalOptions(mouth="nonsense"),
        LocalOptions(mouth="espeak"),
        LocalOptions(ears="https://x.test/v1", ears_kind="nonsense"),
        LocalOptions(mouth="https://x.test/v1", mouth_kind="nonsense"),
        LocalOptions(mouth="http://x.test/v1", mouth_key="sk-hidden"),
    ],
)
def test_option_that_cannot_work_is_said_at_once(options: LocalOptions) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble(options)
    assert "sk-hidden" not in str(caught.value)

"""Speech services register like dialects: one file each, found by its name."""

import pytest

from voicechat.cascade.http.service import service_of
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.vendors import speech_kinds, speech_services
from voicechat.providers import dialect_class, names

URL = "https://x.test/v1"


def test_every_file_of_speech_is_found() -> None:
    assert speech_kinds() == ("gemini", "glm", "openai", "openai_sound", "xai")


@pytest.mark.parametrize("kind", speech_kinds())
def test_each_makes_ears_and_a_mouth_for_its_own_address(kind: str) -> None:
    options = LocalOptions(ears_model="m", mouth_model="m")
    found = speech_services(kind)
    assert found is not None
    service = service_of(options, URL, "", kind=kind)
    assert found.writer(service, options).longest_ms > 0
    speaker = found.speaker(service, options)
    assert speaker.name == "x.test" and speaker.choose_voice("nobody's")


@pytest.mark.parametrize("kind", ["", "nonsense", "../openai", "openai_speech"])
def test_nothing_else_is_imported(kind: str) -> None:
    assert speech_services(kind) is None


@pytest.mark.parametrize("provider", names())
def test_what_a_profile_names_is_there(provider: str) -> None:
    http = dialect_class(provider).profile.http
    assert http is None or {http.ears, http.mouth} <= set(speech_kinds())

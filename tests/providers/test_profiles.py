"""The facts of the providers fit together, and into what the dialects take."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from openai.types import AudioModel

from voicechat.events import SendImage
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Http, Profile, Settings, Vad
from voicechat.providers.glm.video_frame import complaint
from voicechat.providers.qwen.pictures import unfit

FRAME_LIMIT = 256 * 1024
"""Of one message, at the Chinese services."""

PROFILES = [dialect_class(name).profile for name in names()]
SERVED = [profile for profile in PROFILES if profile.http]
each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
each_served = pytest.mark.parametrize("profile", SERVED, ids=lambda profile: profile.name)


def http_of(profile: Profile) -> Http:
    assert profile.http
    return profile.http


@each_profile
def test_a_profile_is_named_as_its_module(profile: Profile) -> None:
    assert dialect_class(profile.name).profile is profile


@each_profile
def test_addresses_by_key_belong_to_keys_of_the_provider(profile: Profile) -> None:
    assert set(profile.url_by_key) <= set(profile.key_env)
    for url in profile.url_by_key.values():
        assert url.startswith("wss://") and "{model}" in url


@each_profile
def test_only_where_the_service_can_leave_it_to_us_a_turn_waits_for_our_word(
    profile: Profile,
) -> None:
    asked = Settings("m", hands_free=True, vad=Vad(by_words=profile.can_wait))
    assert dialect_class(profile.name)(asked).waits is profile.can_wait
    assert not dialect_class(profile.name)(replace(asked, hands_free=False)).waits


@each_profile
def test_pictures_have_a_form_and_a_size(profile: Profile) -> None:
    assert set(profile.image_types) <= {"image/jpeg", "image/png"} and profile.image_types
    assert 100_000 <= profile.image_bytes <= 4_000_000
    assert 512 <= profile.image_side <= 4096


def test_the_largest_picture_passes_where_messages_are_small() -> None:
    for name in ("glm", "qwen"):
        profile = dialect_class(name).profile
        assert profile.image_bytes * 4 / 3 + 500 < FRAME_LIMIT
        largest = b"\xff\xd8\xff" + bytes(profile.image_bytes - 3)
        for mime in profile.image_types:
            picture = SendImage(largest, mime, "msg_1")
            assert complaint(picture) == unfit(picture) == ""


@each_served
def test_services_over_http_are_encrypted_and_whole(profile: Profile) -> None:
    http = http_of(profile)
    assert http.url.startswith(("https://", "{origin}/")) and not http.url.endswith("/")
    assert http.chat_model or profile.needs_url
    assert not http.voice or http.mouth_model or profile.name == "qwen"


@pytest.mark.parametrize(
    "provider", ["openai", "gptlive", "glm", "gemini", "qwen", "xai", "stepfun", "azure"]
)
def test_every_cloud_has_a_way_without_a_websocket(provider: str) -> None:
    assert dialect_class(provider).profile.http


def test_models_of_openai_are_those_that_it_names() -> None:
    http = http_of(dialect_class("openai").profile)
    assert http.chat_model == "gpt-audio-1.5"  # The package's list of names is older.
    assert http.ears_model in get_args(AudioModel)
    assert http.mouth_model == "gpt-audio-1.5"  # Every speech model ends on 2027-01-06.


def test_a_key_of_z_ai_goes_to_its_own_address_with_the_model() -> None:
    kind = dialect_class("glm")
    url = kind.profile.url_by_key["ZAI_API_KEY"]
    asked: dict[str, Any] = {"glm-realtime-flash": "-flash", "glm-realtime-plus": ""}
    for model, end in asked.items():
        address = kind(Settings(model, url=url)).url()
        assert address == f"wss://api.z.ai/api/paas/v4/realtime?model=glm-realtime{end}"

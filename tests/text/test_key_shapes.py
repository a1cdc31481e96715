"""Secret detection: every kind of key is found, and what people paste otherwise is none."""

import base64
import hashlib
import random
import string
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.front.pictures.drawn import noise, saved
from voicechat.text.key_shapes import find_key

ROOT = Path(__file__).parents[2]
BASE62 = string.ascii_letters + string.digits


def chars(count: int, alphabet: str = BASE62, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=count))


KEYS = {
    "sk-" + chars(48): "openai",
    "sk-proj-" + chars(120, BASE62 + "_-"): "openai",
    "sk-svcacct-" + chars(60): "openai",
    "ek_" + chars(32): "openai",
    "sk-test-canary-3c9f71d2a8": "openai",
    "sk-" + chars(32, "0123456789abcdef"): "qwen",
    "sk-ant-api03-" + chars(80): "",
    "sk-or-v1-" + chars(64, "0123456789abcdef"): "",
    "xai-" + chars(80): "xai",
    "gsk_" + chars(52): "",
    "hf_" + chars(34): "",
    "pplx-" + chars(48): "",
    "AIza" + chars(35): "gemini",
    "AQ." + chars(50): "gemini",
    chars(32, "0123456789abcdef") + "." + chars(16): "glm",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + chars(43): "",
}
ANYBODYS = [chars(32, seed=3), chars(64), chars(84)]
PLACES = [
    "{}",
    "my key is {}",
    "use '{}', please.",
    "OPENAI_API_KEY={}",
    "密钥是{}，请保存",
    "({})",
]
ORDINARY = [
    "",
    "What's the weather like in Oslo today? I'd take an umbrella, wouldn't you?",
    "你好，请问今天天气怎么样？我想去北京看看，听说那里的秋天非常漂亮。",
    "sk-learn-is-a-nice-library-2 and hf_transfer_is_fast_2_hf_hub",
    "sk-your-api-key-goes-right-here or sk-xxxxxxxxxxxxxxxxxxxxxxxx1 or sk-ab***yz or sk-…",
    "getUserNameFromDatabase2AndThenSaveToDisk(ListOfAllTheUsers, maxCount=32)",
    "def test_that_1_key_is_not_2_keys(): return SOME_VERY_LONG_CONSTANT_NAME_2026",
    "gpt-4o-mini-realtime-preview-2024-12-17 qwen3.5-omni-flash-realtime-2026-03-15",
    "8b1a9953c4611296a827abf8c47804d7f3c0e5d1 " + hashlib.sha256(b"x").hexdigest(),
    "550e8400-e29b-41d4-a716-446655440000 " + str(uuid.UUID(int=2**127 - 1)).upper(),
    "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "https://example.org/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf",
    "npm sha512-" + base64.b64encode(hashlib.sha512(b"x").digest()).decode(),
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2mWq3xYb0pQk7v1Zt8u5HcR4nLs9eDg6fBxTyVaKjM me@host",
    "/image ~/Pictures/IMG_20261201_123456_HDR.jpg what is this?",
    "4111 1111 1111 1111, +86 138 0013 8000, DE89370400440532013000",
    "=" * 60 + " " + "a" * 64 + " " + "Aa0" * 20,
]


@pytest.mark.fault("S15")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("key", "provider"), KEYS.items())
def test_a_key_of_a_known_shape_is_found_wherever_it_stands(
    key: str, provider: str, place: str
) -> None:
    found = find_key(place.format(key))
    assert found is not None and found.key == key.rstrip("-_")
    assert next(iter(found.providers), "") == provider and not found.is_anybodys
    assert key not in repr(found)


@pytest.mark.fault("S15")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", ANYBODYS)
def test_a_random_word_is_anybodys_key(key: str, place: str) -> None:
    found = find_key(place.format(key))
    assert found is not None and found.key == key and found.is_anybodys


def test_hardly_a_random_key_is_missed() -> None:
    keys = [chars(40, seed=seed) for seed in range(500)]
    assert sum(find_key(key) is not None for key in keys) > 480


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_and_paste_is_no_key(text: str) -> None:
    assert find_key(text) is None


def test_nothing_in_our_own_words_and_code_is_a_key() -> None:
    files = [*ROOT.glob("*.md"), *(ROOT / "voicechat").rglob("*.py")]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    assert len(lines) > 10_000 and [line for line in lines if find_key(line)] == []


def test_a_picture_in_base64_is_no_key() -> None:
    picture = base64.b64encode(saved(noise(64, 48), "PNG")).decode()
    lines = [picture[at : at + 76] for at in range(0, len(picture), 76)]
    for text in (picture, "data:image/png;base64," + picture, " ".join(lines)):
        assert find_key(text) is None


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    found = find_key(text)
    assert found is None or found.key in text


@pytest.mark.parametrize("unit", ["sk-", "eyJ", "A1b", "AIza", "key=", "你", "0a", "-_", "A.b"])
def test_a_megabyte_is_read_in_linear_time(unit: str) -> None:
    find_key(unit * (1_000_000 // len(unit)))

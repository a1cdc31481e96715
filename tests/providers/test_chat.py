"""An ordinary chat model is spoken to in OpenAI's language, by a process of our own."""

from voicechat.providers import dialect_class
from voicechat.providers.base import Settings


def test_a_chat_model_needs_no_key_and_can_see_and_call() -> None:
    profile = dialect_class("chat").profile
    assert profile.key_env == () and not profile.needs_url
    assert profile.images and profile.tools
    assert profile.max_session_s == 24 * 3600


def test_it_is_asked_for_by_its_own_name() -> None:
    dialect = dialect_class("chat")(
        Settings("glm-4.7-flash", "token", "ws://127.0.0.1:9/v1/realtime")
    )
    assert dialect.url() == "ws://127.0.0.1:9/v1/realtime?model=glm-4.7-flash"
    assert dialect.headers() == {"Authorization": "Bearer token"}

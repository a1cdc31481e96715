"""A service is asked again where that helps, and never once something was said."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cascade.asking import ask, pieces_of, words_of
from tests.fakes.http_chat import HttpChatServer, Script
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm.chat import ChatMind
from voicechat.errors import RefusedError, ServiceError, VoiceChatError


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


@pytest.fixture
async def mind(server: HttpChatServer) -> AsyncIterator[ChatMind]:
    service = HttpService(server.url, server.key)
    yield ChatMind(service, "chat-1")
    await service.close()


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_service_in_trouble_is_asked_once_more(
    server: HttpChatServer, mind: ChatMind, status: int
) -> None:
    server.fail_next(status)
    assert await words_of(mind, ask()) == "You said: Hello. "
    assert len(server.asked) == 2


async def test_empty_answer_is_asked_for_once_more(server: HttpChatServer, mind: ChatMind) -> None:
    server.next.append(Script([]))
    assert await words_of(mind, ask()) == "You said: Hello. "


async def test_trouble_that_stays_is_told_after_the_second_time(
    server: HttpChatServer, mind: ChatMind
) -> None:
    for _ in range(3):
        server.fail_next(503)
    with pytest.raises(ServiceError):
        await pieces_of(mind, ask())
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [(401, {}, RefusedError), (400, {}, RefusedError), (503, {"Retry-After": "30"}, ServiceError)],
)
async def test_what_will_not_be_better_in_a_moment_is_told_at_once(
    server: HttpChatServer,
    mind: ChatMind,
    status: int,
    headers: dict[str, str],
    kind: type[VoiceChatError],
) -> None:
    server.fail_next(status, None, headers)
    with pytest.raises(kind):
        await pieces_of(mind, ask())
    assert len(server.asked) == 1


async def test_nothing_is_said_twice(server: HttpChatServer, mind: ChatMind) -> None:
    server.next.append(Script(["One. "], error={"message": "overloaded"}))
    with pytest.raises(ServiceError, match="overloaded"):
        await pieces_of(mind, ask())
    assert len(server.asked) == 1

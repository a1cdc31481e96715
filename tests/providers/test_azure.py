"""Azure OpenAI: OpenAI's language at an address of the user's own."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.client import connect

from tests.fakes import official
from tests.fakes.azure_server import AzureServer
from tests.fakes.ga_server import GaServer
from tests.providers import family_talks as talks
from tests.providers.family_checks import TALK, hold_all_talks
from tests.providers.family_line import JPEG, dialled
from tests.providers.openai.noise import break_conversations, drop_every_field, recordings_of
from voicechat.errors import ConfigError, RefusedError
from voicechat.providers.azure import AzureDialect
from voicechat.providers.base import Settings

HOST = "res.openai.azure.com"
PREVIEW = f"https://{HOST}/openai/realtime?api-version=2024-12-17&deployment=other"


async def test_all_talks_are_held() -> None:
    await hold_all_talks(AzureServer, "azure", model="my-voice")


async def test_a_picture_is_an_item_of_the_conversation() -> None:
    server = AzureServer(TALK)
    async with dialled(server, "azure", model="my-voice") as line:
        line.does(talks.picture(), talks.picture("What is this?"))
        await talks.answer(line)
        for message in line.sent:
            official.check(message)
    assert len(JPEG) and server.violations == []
    shown = [item for item in server.session.conversation.items if item.data["role"] == "user"]
    assert [len(item.data["content"]) for item in shown] == [1, 2]


async def test_a_token_is_as_good_as_a_key() -> None:
    token = "eyJhbGciOi.eyJhdWQiOi.c2lnbmF0dXJl"
    server = AzureServer(TALK, api_key=token)
    async with dialled(server, "azure", model="my-voice", api_key=token) as line:
        assert await talks.type_a_line(line)


@pytest.mark.fault("P12")
@pytest.mark.timeout(240)
def test_broken_conversations_keep_every_promise() -> None:
    break_conversations("azure")


@pytest.mark.fault("P11")
@pytest.mark.parametrize("recording", recordings_of("azure"), ids=lambda path: path.stem)
def test_any_single_field_may_be_missing(recording: Path) -> None:
    drop_every_field(recording)


@pytest.mark.parametrize(
    "url",
    [
        HOST,
        f"{HOST}/",
        f"https://{HOST}",
        f"https://{HOST}/openai",
        f"https://{HOST}/openai/v1/",
        f"https://{HOST}/openai/v1/realtime",
        f"https://{HOST}/?api-version=2025-04-01-preview",
        f"wss://{HOST}/openai/v1/realtime?model=other",
    ],
)
def test_the_endpoint_in_any_form_leads_to_the_general_release(url: str) -> None:
    dialect = AzureDialect(Settings("my voice", url=url))
    assert dialect.url() == f"wss://{HOST}/openai/v1/realtime?model=my+voice"


def test_other_hosts_and_paths_are_kept() -> None:
    for url in ("wss://gate.example:8443/azure/realtime", "ws://127.0.0.1:1/openai/v1/realtime"):
        assert AzureDialect(Settings("d", url=url)).url() == f"{url}?model=d"


def test_the_address_of_the_preview_keeps_its_version_and_speaks_the_beta() -> None:
    dialect = AzureDialect(Settings("d", url=PREVIEW))
    address = urlsplit(dialect.url())
    assert (address.scheme, address.path) == ("wss", "/openai/realtime")
    assert parse_qs(address.query) == {"api-version": ["2024-12-17"], "deployment": ["d"]}
    dialect.open(0.0)
    dialect.receive('{"type":"session.created","session":{}}', 0.1)
    assert '"modalities"' in str(dialect.data_to_send()[0].text)
    bare = AzureDialect(Settings("d", url=f"https://{HOST}/openai/realtime")).url()
    assert "api-version=" in bare


def test_what_is_missing_is_asked_for_by_its_name() -> None:
    with pytest.raises(ConfigError) as caught:
        AzureDialect(Settings("my-voice")).url()
    assert "AZURE_OPENAI_ENDPOINT" in caught.value.hint
    for nameless in ("", "DEPLOYMENT"):
        with pytest.raises(ConfigError, match="deployment"):
            AzureDialect(Settings(nameless, url=HOST)).url()


def test_an_address_that_is_none_is_left_to_the_link() -> None:
    assert AzureDialect(Settings("d", url="https://[bad")).url() == "https://[bad"


def test_the_key_has_a_header_of_its_own() -> None:
    assert AzureDialect(Settings("d", api_key="0123abcd")).headers() == {"api-key": "0123abcd"}
    assert AzureDialect(Settings("d")).headers() == {}
    token = AzureDialect(Settings("d", api_key="eyJh.eyJh.c2ln")).headers()
    assert token == {"Authorization": "Bearer eyJh.eyJh.c2ln"}


@pytest.mark.parametrize("key", ["0123abcd", "eyJh.eyJh.c2ln"])
def test_a_gateway_may_want_the_key_in_another_header(key: str) -> None:
    dialect = AzureDialect(Settings("d", api_key=key, key_header="X-Gate: Key {key}"))
    assert dialect.headers() == {"X-Gate": f"Key {key}"}


def test_a_deployment_that_does_not_exist_is_told_so() -> None:
    dialect = AzureDialect(Settings("d", url=HOST))
    error = dialect.closed(4000, "invalid_request_error.DeploymentNotFound")
    assert isinstance(error, RefusedError)
    assert "another model" in str(error)


async def test_the_stand_in_wants_a_version_only_for_the_preview() -> None:
    server: GaServer = AzureServer(TALK)
    async with server:
        for path in ("/openai/v1/realtime?model=my-voice&api-version=1", "/openai/realtime"):
            url = f"ws://127.0.0.1:{server.port}{path}"
            async with connect(url, additional_headers={"api-key": "k"}, proxy=None) as socket:
                assert "api-version" in str(await socket.recv())

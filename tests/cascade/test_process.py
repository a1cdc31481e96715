"""The child process: starts, tells where, and never stays behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.cascade.peer import meet
from voicechat.cascade.options import LocalOptions, dump_options, load_options
from voicechat.cascade.process import LocalProcess, running, start
from voicechat.errors import ConfigError, ServiceError
from voicechat.front.words.words import Words
from voicechat.providers import dialect_class
from voicechat.providers.base import Settings


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _spawn(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)


async def _wait_until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while _is_alive(pid):
            await asyncio.sleep(0.05)


async def test_child_lives_as_long_as_the_block() -> None:
    process = start(LocalOptions(mind="echo"))
    async with running(process) as endpoint:
        assert endpoint.url.startswith("ws://127.0.0.1:") and endpoint.token not in repr(endpoint)
        assert _is_alive(process.pid)
    assert not _is_alive(process.pid)


async def test_child_ends_although_a_client_is_in_the_middle_of_a_reply() -> None:
    process = start(LocalOptions(mind="echo"))
    async with running(process) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("A long sentence, again and again. " * 100)
        await peer.until("response.output_audio.delta")
        await process.stop()
        assert not _is_alive(process.pid)
        with pytest.raises(ConnectionClosed):
            await peer.until("nothing like this")


async def test_child_that_does_not_listen_to_signals_is_killed() -> None:
    process = start(LocalOptions(mind="echo"))
    async with running(process):
        os.kill(process.pid, signal.SIGSTOP)
    assert not _is_alive(process.pid)


async def test_two_models_have_their_own_ports_and_tokens() -> None:
    async with running(LocalOptions()) as one, running(LocalOptions()) as other:
        assert one.url != other.url and one.token != other.token and len(one.token) >= 32


@pytest.mark.fault("S12")
async def test_environment_of_the_child_holds_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "MY_SECRET", "DB_PASSWORD", "ALL_PROXY", "XAPIKEY"):
        monkeypatch.setenv(name, "hidden-value")
    process = start(LocalOptions(mind="echo", token="hidden-token", mind_key="hidden-key"))
    async with running(process):
        child = psutil.Process(process.pid)
        assert "hidden" not in str(child.environ()) and "hidden" not in str(child.cmdline())
        assert "PATH" in child.environ()


async def test_file_in_the_current_directory_cannot_pose_as_a_module(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open("json.py", "w") as file:  # noqa: ASYNC230
        file.write("raise SystemExit('posed')")
    async with running(LocalOptions(mind="echo")) as endpoint, meet(endpoint) as peer:
        await peer.update()


@pytest.mark.parametrize(
    "options",
    [
        LocalOptions(mind="nonsense"),
        LocalOptions(ears="nonsense"),
        LocalOptions(mouth="nonsense"),
        LocalOptions(mind="http://"),
        LocalOptions(mind="http://example.org/v1", mind_key="sk-hidden"),
    ],
)
async def test_options_that_cannot_work_are_said_at_the_start(options: LocalOptions) -> None:
    process = start(options)
    with pytest.raises(ConfigError) as caught:
        async with running(process):
            pass
    assert "sk-hidden" not in str(caught.value)
    assert not _is_alive(process.pid)


async def test_what_the_child_says_at_the_start_can_be_told_in_chinese() -> None:
    with pytest.raises(ConfigError) as caught:
        async with running(LocalOptions(mind="nonsense")):
            pass
    assert Words("zh").told(caught.value) == (
        "内置模型不支持 mind 'nonsense'。可以是 `auto`、`echo` 或一个地址"
    )


async def test_what_the_child_fails_at_later_can_be_told_in_chinese(unused_tcp_port: int) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}/v1"
    options = LocalOptions(mind=address, mind_model="any", mouth="none")
    async with running(options) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("Hello")
        done = (await peer.until("response.done"))[-1]
    error = done["response"]["status_details"]["error"]
    event = json.dumps({"type": "error", "error": error})
    told = {}
    for name in ("local", "custom"):
        dialect = dialect_class(name)(Settings("any", url="ws://127.0.0.1"))
        dialect.open(0.0)
        (told[name],) = (one for one in dialect.receive(event, 0.1) if hasattr(one, "message"))
    chinese = f"127.0.0.1:{unused_tcp_port} 拒绝连接：该端口没有服务。它在运行吗？"
    assert Words("zh").told(told["local"].message) == chinese
    assert Words("zh").told(told["custom"].message) == error["message"]


async def test_child_that_dies_early_is_the_services_fault() -> None:
    process = LocalProcess(LocalOptions())
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(ServiceError, match="ended before it was ready"):
        await process.endpoint()
    await process.stop()


async def test_last_words_of_a_dying_child_are_in_the_error_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere/hidden-token")
    process = LocalProcess(LocalOptions(token="hidden-token"))
    with pytest.raises(ServiceError) as caught:
        await process.endpoint()
    await process.stop()
    assert "It said: " in caught.value.hint and "hidden" not in str(caught.value)


async def test_deadline_is_kept_and_waiting_again_is_possible() -> None:
    process = LocalProcess(LocalOptions(mind="echo"))
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(ServiceError, match="did not start"):
        await process.endpoint(deadline_s=0.1)
    os.kill(process.pid, signal.SIGCONT)
    assert (await process.endpoint()).token
    await process.stop()


async def test_child_ends_when_its_parent_is_killed() -> None:
    code = (
        "import asyncio, time\n"
        "from voicechat.cascade.process import LocalOptions, start\n"
        "process = start(LocalOptions(mind='echo'))\n"
        "asyncio.run(process.endpoint())\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = _spawn([sys.executable, "-c", code])
    assert parent.stdout
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    assert _is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await _wait_until_gone(pid)


async def test_by_hand_it_takes_arguments_and_prints_a_token() -> None:
    command = [sys.executable, "-m", "voicechat.cascade", "--mind", "echo", "--mouth", "none"]
    child = _spawn(command)
    assert child.stdout
    told = json.loads(await asyncio.to_thread(child.stdout.readline))
    assert told["url"] == f"ws://127.0.0.1:{told['port']}/v1/realtime" and len(told["token"]) >= 32
    second = _spawn([*command, "--port", str(told["port"])])
    said, _ = await asyncio.to_thread(second.communicate)
    assert second.returncode == 2 and "cannot be used" in json.loads(said)["error"]
    child.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(child.wait, 20) == 0
    child.stdout.close()


def test_options_travel_as_one_line() -> None:
    options = LocalOptions(mind="echo", language="zh", mind_key="k\n", proxy="socks5h://a:b@c:1")
    line = dump_options(options, exit_with_parent=True)
    assert "\n" not in line and load_options(line) == (options, True)
    assert "k\\n" not in repr(options) and "a:b" not in repr(options)


@pytest.mark.parametrize("line", ["", "[]", "7", "{", '{"colour": "red"}', '{"mind": 7}'])
def test_line_that_is_no_options_is_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        load_options(line)

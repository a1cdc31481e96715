"""What a child is told of our environment."""

import pytest

from voicechat.config.environment import child_environment

KEPT = {
    "PATH": "/usr/bin:/opt/hf-models-tools/bin",
    "HOME": "/home/me",
    "LANG": "C.UTF-8",
    "KEYBOARD": "us",
    "HTTPS_PROXY": "http://proxy.example:3128",
    "NO_PROXY": "localhost",
}
SECRET = {
    "OPENAI_API_KEY": "x",
    "GITHUB_TOKEN": "x",
    "MYAPIKEY": "x",
    "DB_PASSWORD": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "ALL_PROXY": "socks5h://me:hunter2@proxy.example:1080",
    "DATABASE_URL": "postgres://me:hunter2@db/x",
    "SPEECH": "sk-abcdefghijklmnopqrstuvwxyz0123456789",
}


@pytest.mark.fault("S12")
def test_secrets_stay_here() -> None:
    assert child_environment(KEPT | SECRET) == KEPT


def test_one_that_is_told_its_proxy_otherwise_gets_none_from_us() -> None:
    given = child_environment(KEPT | SECRET, with_proxies=False)
    assert given == {name: value for name, value in KEPT.items() if "PROXY" not in name}

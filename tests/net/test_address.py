"""An address is read once, and its faults are named without quoting it."""

import pytest

from voicechat.errors import ConfigError
from voicechat.net.address import is_loopback, read_address


@pytest.mark.parametrize(
    ("written", "url", "host", "port", "label"),
    [
        ("wss://api.openai.com/v1?m=x", "wss://api.openai.com/v1?m=x", "api.openai.com", 443, None),
        ("https://api.openai.com/v1", "wss://api.openai.com/v1", "api.openai.com", 443, None),
        ("http://localhost:8765/", "ws://localhost:8765/", "localhost", 8765, "localhost:8765"),
        (" WSS://API.Example.COM:8443 ", "wss://API.Example.COM:8443", "api.example.com", 8443,
         "api.example.com:8443"),
        ("ws://[::1]:9/x", "ws://[::1]:9/x", "::1", 9, "[::1]:9"),
        ("wss://bücher.example/", "wss://bücher.example/", "xn--bcher-kva.example", 443, None),
    ],
)  # fmt: skip
def test_an_address_is_read(
    written: str, url: str, host: str, port: int, label: str | None
) -> None:
    address = read_address(written)
    assert (address.url, address.host, address.port) == (url, host, port)
    assert address.label == (label or host)
    assert address.secure == url.startswith("wss:")


@pytest.mark.parametrize(
    "written",
    [
        "", "api.openai.com", "ftp://h/", "wss://", "wss:///x", "wss://h:0/", "wss://h:99999/",
        "wss://h:port/", "wss://[::1/", "wss://a..b/", "wss://h/#part", "wss://u:pw-canary@h/",
        "wss://h/a b", "wss://h/a\r\nX: y", "wss://h/\x7f", f"wss://{'a' * 64}.example/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_address(written)
    assert "canary" not in str(caught.value)


@pytest.mark.fault("S04")
def test_a_key_in_the_query_is_not_quoted() -> None:
    with pytest.raises(ConfigError) as caught:
        read_address("wss://host/?key=canary-key#x")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "128.0.0.1", "::2", "10.0.0.1", "0.0.0.0"])
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not is_loopback(host)

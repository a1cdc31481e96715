"""Option before config before environment, and no password in any text."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.errors import ConfigError
from voicechat.net.proxy import Proxy, choose, is_bypassed, read_proxy

WSS = "wss://api.openai.com/v1"
A, B, C = "http://a:1", "http://b:2", "http://c:3"


@pytest.mark.parametrize(
    ("url", "option", "config", "environ", "source", "proxy"),
    [
        (WSS, None, "", {}, None, None),
        (WSS, A, B, {"ALL_PROXY": C}, "--proxy", A),
        (WSS, None, B, {"ALL_PROXY": C}, "config", B),
        (WSS, None, "", {"ALL_PROXY": C}, "ALL_PROXY", C),
        (WSS, "none", B, {"ALL_PROXY": C}, None, None),
        (WSS, None, "none", {"ALL_PROXY": C}, None, None),
        (WSS, None, " NONE ", {"ALL_PROXY": C}, None, None),
        (WSS, None, "", {"WSS_PROXY": A, "HTTPS_PROXY": B, "ALL_PROXY": C}, "WSS_PROXY", A),
        (WSS, None, "", {"HTTPS_PROXY": B, "ALL_PROXY": C}, "HTTPS_PROXY", B),
        (WSS, None, "", {"https_proxy": A, "HTTPS_PROXY": B}, "https_proxy", A),
        (WSS, None, "", {"HTTPS_PROXY": "  ", "all_proxy": C}, "all_proxy", C),
        (WSS, None, "", {"HTTP_PROXY": A, "WS_PROXY": B}, None, None),
        ("ws://h.example/", None, "", {"HTTP_PROXY": A, "HTTPS_PROXY": B}, "HTTP_PROXY", A),
        ("ws://h.example/", None, "", {"ws_proxy": C, "HTTP_PROXY": A}, "ws_proxy", C),
        ("ws://h.example/", None, "", {"HTTPS_PROXY": B, "WSS_PROXY": A}, None, None),
        ("https://h.example/", None, "", {"HTTP_PROXY": A, "HTTPS_PROXY": B}, "HTTPS_PROXY", B),
        ("ws://127.0.0.1:8765/", None, "", {"ALL_PROXY": C}, None, None),
        ("wss://localhost/", None, "", {"WSS_PROXY": C}, None, None),
        ("ws://[::1]:1/", None, "", {"all_proxy": C}, None, None),
        ("ws://127.0.0.1:8765/", A, "", {}, "--proxy", A),
        ("ws://127.0.0.1:8765/", None, B, {}, "config", B),
        (WSS, None, "", {"ALL_PROXY": C, "NO_PROXY": "openai.com"}, None, None),
        (WSS, None, "", {"ALL_PROXY": C, "no_proxy": "x, api.openai.com"}, None, None),
        (WSS, None, "", {"ALL_PROXY": C, "NO_PROXY": "example.com"}, "ALL_PROXY", C),
        (WSS, A, "", {"NO_PROXY": "*"}, "--proxy", A),
        (WSS, None, B, {"NO_PROXY": "*"}, "config", B),
        ("ws://127.0.0.1/", None, "", {"ALL_PROXY": "nonsense://"}, None, None),
    ],
)  # fmt: skip
@pytest.mark.fault("N16")
def test_the_proxy_is_chosen(
    url: str,
    option: str | None,
    config: str,
    environ: dict[str, str],
    source: str | None,
    proxy: str | None,
) -> None:
    chosen = choose(url, option=option, config=config, environ=environ)
    assert (chosen and chosen.source) == source
    assert (chosen and chosen.label) == proxy


@pytest.mark.parametrize(
    ("host", "rules", "bypassed"),
    [
        ("api.openai.com", "api.openai.com", True),
        ("api.openai.com", "API.OpenAI.com.", True),
        ("api.openai.com", ".openai.com", True),
        ("api.openai.com", "*.openai.com", True),
        ("openai.com", ".openai.com", True),
        ("api.openai.com", "openai.com", True),
        ("notopenai.com", "openai.com", False),
        ("api.openai.com", "*", True),
        ("api.openai.com", "", False),
        ("api.openai.com", "a,b , *.openai.com", True),
        ("api.openai.com", "a b openai.com", True),
        ("api.openai.com", "api.openai.com:443", True),
        ("api.openai.com", "api.openai.com:8443", False),
        ("api.openai.com", ".", False),
        ("api.openai.com", "*.", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.3:80", False),
        ("10.1.2.30", "10.1.2.3", False),
        ("10.1.2.3", "2.3", False),
        ("fd00::5", "fd00::/8", True),
        ("fd00::5", "fd00:0::0005", True),
        ("fd00::5", "[fd00::5]", True),
        ("fd00::5", "[fd00::5]:443", True),
        ("fd00::5", "[fd00::5]:80", False),
        ("fe80::1", "fd00::/8", False),
        ("api.openai.com", "10.0.0.0/99,[,:,::::/x", False),
    ],
)
@pytest.mark.fault("N16")
def test_exceptions_are_read_as_everywhere(host: str, rules: str, bypassed: bool) -> None:
    assert is_bypassed(host, 443, rules) is bypassed


@given(st.text(), st.text())
def test_no_rule_raises(host: str, rules: str) -> None:
    assert is_bypassed(host, 443, rules) in (True, False)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("socks5h://h:1080", "socks5h://h:1080"),
        ("socks5://h", "socks5://h:1080"),
        ("socks4://h:9", "socks4://h:9"),
        ("socks4a://h", "socks4a://h:1080"),
        ("socks://h:7897/", "socks5h://h:7897"),
        ("SOCKS5H://H:1", "socks5h://h:1"),
        ("http://h", "http://h:80"),
        ("https://h", "https://h:443"),
        ("h:8080", "http://h:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("user:pw@h:8080", "http://h:8080"),
        ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
        ("http://u:p@[fd00::1]", "http://[fd00::1]:80"),
        ("http://bücher.example:3128", "http://xn--bcher-kva.example:3128"),
        ("  http://h:1  ", "http://h:1"),
    ],
)
@pytest.mark.fault("N15")
def test_a_proxy_is_read(written: str, label: str) -> None:
    proxy = read_proxy(written, "--proxy")
    assert proxy
    assert proxy.label == label


@pytest.mark.parametrize(
    ("written", "user", "password"),
    [
        ("http://u:p@h:1", "u", "p"),
        ("http://u:p%40%2F%3A%23@h:1", "u", "p@/:#"),
        ("http://u:p@ss@h:1", "u", "p@ss"),
        ("http://u:a:b@h:1", "u", "a:b"),
        ("http://u@h:1", "u", ""),
        ("http://u:@h:1", "u", ""),
        ("http://j%C3%BCrgen:stra%C3%9Fe@h:1", "jürgen", "straße"),
        ("http://jürgen:straße@h:1", "jürgen", "straße"),
        ("socks5://u:100%25@h:1", "u", "100%"),
    ],
)
def test_user_and_password_are_read(written: str, user: str, password: str) -> None:
    proxy = read_proxy(written, "--proxy")
    assert proxy
    assert proxy.login == (user, password)
    parts = urlsplit(proxy.url)
    assert unquote(parts.password or "") == password, "percent-encoded once"
    assert proxy.url.isascii()


@pytest.mark.fault("S05", "N15")
@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("", "host"),
        ("http://", "host"),
        ("ftp://h:1", "unknown scheme"),
        ("socks6://u:canary-pw@h:1", "unknown scheme"),
        ("http://u:canary-pw@h:port", "host and port"),
        ("http://u:canary-pw@h:0", "host and port"),
        ("http://u:canary-pw@h:70000", "host and port"),
        ("http://u:canary#pw@h:1", "host and port"),
        ("http://u:1#canary-pw@h:1", "behind host and port"),
        ("http://u:canary-pw@h:1/path", "behind host and port"),
        ("http://u:canary-pw@h:1?x", "behind host and port"),
        ("http://:canary-pw@h:1", "no user name"),
        ("http://u:canary pw@h:1", "blank"),
        ("http://u:canary%0Apw@h:1", "control character"),
        ("http://u:canary%FFpw@h:1", "UTF-8"),
        ("http://u%3Ax:canary-pw@h:1", "colon"),
        ("socks5h://u:canary-straße@h:1", "SOCKS"),
        (f"socks5h://u:canary{'x' * 250}@h:1", "SOCKS"),
        ("http://[::1:80", "host and port"),
    ],
)
@pytest.mark.parametrize("source", ["--proxy", "config", "HTTPS_PROXY"])
def test_what_is_no_proxy_is_named_without_its_password(
    written: str, fault: str, source: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_proxy(written, source)
    text = str(caught.value)
    assert fault in text
    assert source in text
    assert "canary" not in text
    assert "canary" not in repr(caught.value)


@given(st.text() | st.text(alphabet="htps5ocks:/@#?%[]ab1.").map("http://u:".__add__))
def test_every_value_is_read_or_refused(written: str) -> None:
    try:
        proxy = read_proxy(written, "config")
    except ConfigError:
        return
    assert proxy is None or read_proxy(proxy.url, "config") == proxy


@pytest.mark.fault("S05")
def test_a_proxy_shows_no_password() -> None:
    proxy = Proxy("http://u:canary-pw@h:1", "--proxy")
    assert "canary" not in repr(proxy) + str(proxy) + proxy.label
    assert "canary-pw" in proxy.secrets

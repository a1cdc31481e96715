"""What went wrong, in Chinese: sentences that are made far from the screen, known by their words.

Errors and notices are told in English, and kept so in the journal.  A sentence in the tables below
is shown in Chinese; names, addresses and what a service said itself stay as they are.  Whatever
is not known stays English as a whole: it is better than nothing.

The rule: only words, and no guess.  A test makes each of these errors where it is really made.
"""

import re
from functools import cache

from voicechat.errors import VoiceChatError
from voicechat.front import words_models
from voicechat.front.words_notices import DEVICES, NOTICES
from voicechat.front.words_services import SERVICE_HINTS, SERVICES
from voicechat.phrase import Phrase

_ORDINARY = {
    # the line, and the session on it
    "The line was lost": "线路已断开",
    "The line was lost: no answer to our pings": "线路已断开：对方没有回应",
    "The line was lost: nothing came from {who} for {seconds} s": (
        "线路已断开：{seconds} 秒内没有收到 {who} 的任何数据"
    ),
    "The line is back": "线路已恢复",
    "The session is renewed before its time is up": "会话即将到期，已换新会话",
    "The session is renewed: {why}": "已换新会话：{why}",
    "The service ended the session": "服务结束了会话",
    "The session reached its greatest age{said}": "会话已到最长时限{said}",
    "{who} ended the session because of its age": "{who} 因会话到期结束了会话",
    "{who} ended the session because nobody said anything for a while": (
        "{who} 因长时间无人说话结束了会话"
    ),
    "{who} no longer knows the earlier session": "{who} 已不记得之前的会话",
    "{who} ended the session: {why}": "{who} 结束了会话：{why}",
    "{who} refused: {why}": "{who} 拒绝了请求：{why}",
    "{who} said nothing for {seconds} s": "{who} 在 {seconds} 秒内没有任何回应",
    "{who} found a message too big{said}": "{who} 认为消息过大{said}",
    "The service cannot read what we sent{said}": "服务读不懂我们发送的内容{said}",
    "The service hung up{said}": "服务挂断了{said}",
    "The service is going away{said}": "服务即将停止{said}",
    "The service restarts{said}": "服务正在重启{said}",
    "The service is overloaded{said}": "服务过载{said}",
    "The service failed{said}": "服务出错{said}",
    "The service refused us{said}": "服务拒绝了我们{said}",
    "The service refused the key{said}": "服务不接受此密钥{said}",
    "The service ended the call by its rules{said}": "服务按其规则结束了通话{said}",
    "The service says that the account has no credit left{said}": "服务称账户余额已用完{said}",
    "A message was too big for the service{said}": "消息过大，服务不接受{said}",
    "The server speaks another protocol: {count} messages in a row were no JSON": (
        "服务器说的是另一种协议：连续 {count} 条消息都不是 JSON"
    ),
    # the way to it
    "{who} was not found: its name leads nowhere": "找不到 {who}：域名无法解析",
    "{who} did not answer within {seconds} s": "{who} 在 {seconds} 秒内没有回应",
    "{who} refused the connection: nothing listens there": "{who} 拒绝连接：该端口没有服务",
    "{who} cannot be reached from this network": "当前网络无法到达 {who}",
    "{who} cut the connection before it was up": "{who} 在连接建立前断开",
    "{who} ended the connection without an answer": "{who} 没有回答就断开了连接",
    "{who} refused the user name or password": "{who} 不接受用户名或密码",
    "{who} wants a user name and password": "{who} 需要用户名和密码",
    "{who} wants to be signed in to by {ways}, which is not spoken here": (
        "{who} 要求以 {ways} 方式登录，本程序不支持"
    ),
    "{who} wants a password and does not say in which way": "{who} 要求密码，但没有说明用哪种方式",
    "{who} seems to want a login page before it lets us to {goal} (HTTP {code})": (
        "{who} 似乎要求先在网页登录，才能访问 {goal}（HTTP {code}）"
    ),
    "This network seems to want a login page at {goal} (HTTP {code})": (
        "当前网络似乎要求先在 {goal} 登录（HTTP {code}）"
    ),
    "The certificate of {who} was issued by an authority that this machine does not know": (
        "{who} 的证书由本机不认识的机构签发"
    ),
    "The certificate of {who} has expired": "{who} 的证书已过期",
    "The certificate of {who} is for another host": "{who} 的证书属于其他主机",
    "The certificate of {who} is self-signed": "{who} 的证书是自签名的",
    # its answer
    "{who} refused the key (HTTP {code}){said}": "{who} 不接受此密钥（HTTP {code}）{said}",
    "{who} denied access (HTTP {code}){said}": "{who} 拒绝访问（HTTP {code}）{said}",
    "{who} knows no such address or model (HTTP {code}){said}": (
        "{who} 没有这个地址或模型（HTTP {code}）{said}"
    ),
    "{who} has had too many requests from this account (HTTP {code}){said}": (
        "此账户对 {who} 的请求过多（HTTP {code}）{said}"
    ),
    "{who} has an internal error (HTTP {code}){said}": "{who} 内部出错（HTTP {code}）{said}",
    "{who} is overloaded or down (HTTP {code}){said}": "{who} 过载或停机（HTTP {code}）{said}",
    "{who} says that the account has no credit left{said}": "{who} 称账户余额已用完{said}",
    "No WebSocket gets through to {who} ({why}): the call goes on over HTTP with {other}": (
        "无法通过 WebSocket 连接 {who}（{why}）：改用 HTTP 与 {other} 继续通话"
    ),
    "The WebSocket to {who} works again": "到 {who} 的 WebSocket 已恢复",
}
_HINTS = {
    "Run a helper that speaks it, such as px or cntlm, and give its address as the proxy": (
        "请运行支持该方式的辅助程序（如 px 或 cntlm），并把它的地址设为代理"
    ),
    "Ask whoever runs it; none was sent": "请询问代理的管理者；没有发送密码",
    "Try again in a moment": "请稍后再试",
    "Connect again": "请重新连接",
    "A new one can be opened at once": "可以立即开始新会话",
    "A new one is tried once": "会再试一次新会话",
    "It is not sent again": "不会再次发送",
    "Check the API key": "请检查 API 密钥",
    "Check the key in {env}; keys: {page}": "请检查 {env} 中的密钥；密钥页面：{page}",
    "Check the key in {env}; a key is good in one region only, which url must name; keys: {page}": (
        "请检查 {env} 中的密钥；密钥只在一个地区有效，url 须指明该地区；密钥页面：{page}"
    ),
    "Check the address": "请检查地址",
    "Check the address and the model": "请检查地址和模型",
    "Check the address, and which kind of provider it is": "请检查地址和服务商类型",
    "Check the key, the model and whether it serves your region": (
        "请检查密钥、模型，以及服务是否支持您所在的地区"
    ),
    "Check the key's rights, the model and your region": "请检查密钥权限、模型和所在地区",
    "Check the account's balance and limits": "请检查账户余额和限额",
    "Look at your plan and credit ({page})": "请查看套餐和余额（{page}）",
    "Look at your plan and limits ({page})": "请查看套餐和限额（{page}）",
    "Choose another model": "请选择其他模型",
    "Check the name and the network": "请检查域名和网络",
    "Check the network": "请检查网络",
    "Check the clock of this machine": "请检查本机时钟",
    "A browser on this network will probably show it": "用浏览器打开网页通常会看到登录页",
    "Check the proxy's scheme, host and port, and that it runs": (
        "请检查代理的类型、主机、端口，以及它是否在运行"
    ),
    "Put them into its address: {address}": "请写入代理地址：{address}",
    "Correct them where the proxy was given ({source})": "请在设置代理处改正（{source}）",
    "Perhaps {who} cut it": "可能是 {who} 断开的",
    "Check the address; somebody may be in between": "请检查地址；可能有人从中拦截",
    "Give it as ca_file if you trust it": "若信任它，请用 ca_file 指定",
    "If your network inspects encrypted lines, give its certificate as ca_file": (
        "若当前网络会检查加密流量，请用 ca_file 指定其证书"
    ),
}
_PARTS = {
    "The proxy {label}": "代理 {label}",
    "The network": "网络",
    "This network": "当前网络",
    "Your server": "您的服务器",
    "it had an internal error": "内部出错",
    "it is restarting": "正在重启",
    "it is overloaded": "过载",
    "it turned the session down": "不接受此会话",
    "the key is not valid": "密钥无效",
    "close code {code}": "关闭代码 {code}",
}
_SHAPES = {
    "said": r"(?:: .*| \(code \d+\))?",
    "seconds": r"[\d.]+",
    "code": r"\d+",
    "count": r"\d+",
    "device": "|".join(DEVICES),
    "env": r"[^;]+?",
    "coded": r"(?: \(\w+: .*\))?",
}
_NESTED = ("why", "who", "what", "device")
"""Parts that may be sentences or names of ours."""


def error_in_chinese(error: VoiceChatError) -> str:
    """An error with its hint, in Chinese as far as they are known."""
    if not isinstance(error.message, Phrase) and not isinstance(error.hint, Phrase):
        return in_chinese(str(error))
    message = in_chinese(error.message)
    return f"{message.rstrip(' .。')}。{in_chinese(error.hint)}" if error.hint else message


def in_chinese(text: str) -> str:
    """The text in Chinese, as far as it is one of the known; otherwise as it is."""
    if isinstance(text, Phrase):
        return _translate(text)
    for gap in reversed(list(re.finditer(r"\. ", text))):
        said = _look_up("ordinary", text[: gap.start()])
        hint = _look_up("hints", text[gap.end() :].rstrip("."))
        if said is not None and hint is not None:
            return f"{said}。{hint}"
    return _look_up("ordinary", text) or text


def _translate(told: Phrase) -> str:
    """By its key; what is not known stays English as a whole."""
    chinese = _translations().get(told.key)
    if chinese is None:
        return str(told)
    values = {
        name: in_chinese(value) if isinstance(value, str) else value
        for name, value in told.values.items()
    }
    return chinese.format_map(values)


@cache
def _translations() -> dict[str, str]:
    sentences = _ORDINARY | NOTICES | SERVICES | words_models.MODELS
    hints = _HINTS | SERVICE_HINTS | words_models.HINTS
    return sentences | hints | _PARTS | DEVICES | words_models.WISHES


def _look_up(table: str, text: str) -> str | None:
    for pattern, chinese in _patterns(table):
        if found := pattern.fullmatch(text):
            parts = {name: _part(name, value) for name, value in found.groupdict("").items()}
            return chinese.format(**parts)
    return None


def _part(name: str, value: str) -> str:
    if name not in _NESTED:
        return value
    return _look_up("parts", value) or (in_chinese(value) if name == "why" else value)


@cache
def _patterns(table: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences of a table, those with the most words of their own first."""
    coded = {f"{english}{{coded}}": f"{zh}{{coded}}" for english, zh in words_models.GLM.items()}
    told = {
        "ordinary": _ORDINARY | NOTICES | SERVICES | words_models.MODELS,
        "hints": _HINTS | SERVICE_HINTS | words_models.HINTS,
        "parts": _PARTS | DEVICES | words_models.WISHES | coded,
    }[table]
    by_length = sorted(told.items(), key=lambda pair: -len(re.sub(r"\{\w+\}", "", pair[0])))
    return tuple((_pattern(english), chinese) for english, chinese in by_length)


def _pattern(english: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", english)
    shaped = (
        f"(?P<{piece}>{_SHAPES.get(piece, '.+?')})" if at % 2 else re.escape(piece)
        for at, piece in enumerate(pieces)
    )
    return re.compile("".join(shaped))

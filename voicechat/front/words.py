"""The words of the interface, in English and Chinese.  Only words: no colours, no layout."""

import os
from collections.abc import Mapping
from typing import Literal, TypeAlias

from voicechat.errors import VoiceChatError
from voicechat.front.words_errors import error_in_chinese, in_chinese

Language: TypeAlias = Literal["en", "zh"]


def find_language(wanted: str, environ: Mapping[str, str] = os.environ) -> Language:
    """The interface's language: as asked (`en`, `zh`), else by the locale (POSIX order)."""
    if wanted in ("en", "zh"):
        return "zh" if wanted == "zh" else "en"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


class Words:
    """Look up an interface text: `words("ready")`, with values filled in by name."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._column = 1 if language == "zh" else 0

    def __call__(self, key: str, **values: object) -> str:
        text = _WORDS[key][self._column]
        return text.format(**values) if values else text

    def told(self, text: str | VoiceChatError) -> str:
        """An error or a notice that was made elsewhere, in English, as far as it is known."""
        if self.language != "zh":
            return str(text)
        return error_in_chinese(text) if isinstance(text, VoiceChatError) else in_chinese(text)


_ORDERS = (
    """\
/image PATH words    send a picture and words about it
/screen words        send what the main screen shows
//words              send words that begin with a slash
A picture dropped on the window, or its pasted path: as /image""",
    """\
/image 路径 文字     发送图片，并说点什么
/screen 文字         发送主屏幕截图
//文字               发送以斜杠开头的文字
把图片拖入窗口，或粘贴图片路径：等同于 /image""",
)
"""Lines that begin with a slash."""

_WORDS: dict[str, tuple[str, str]] = {
    # phases
    "connecting": ("connecting", "连接中"),
    "offline": ("OFFLINE", "已断开"),
    "ready": ("ready", "就绪"),
    "listening": ("listening", "正在听"),
    "thinking": ("thinking", "思考中"),
    "speaking": ("speaking", "正在说"),
    # the line
    "connected": ("connected", "已连接"),
    "connected_http": (
        "▒▒ HTTP ▒▒ connected",
        "▒▒ HTTP ▒▒ 已连接",
    ),
    "direct": ("direct", "直连"),
    "via": ("via {proxy}", "经 {proxy}"),
    "comma": (", ", "，"),
    "plain": ("not encrypted", "未加密"),
    # rows
    "you": ("You:", "你："),
    "assistant": ("AI:", "AI："),
    "note": ("Note:", "提示："),
    "error": ("ERROR:", "错误："),
    "tool": ("Tool:", "工具："),
    "spoken": ("(spoken)", "（语音）"),
    "picture": ("[picture]", "［图片］"),
    "transcribing": ("…", "…"),
    "inaudible": ("(not understood)", "（没听清）"),
    "cut": ("[cut at {seconds:.1f} s]", "［在 {seconds:.1f} 秒处打断］"),
    "cut_unheard": ("[cut before it was heard]", "［未播放即打断］"),
    "cut_short": ("[cut]", "［已打断］"),
    "failed": ("[no answer]", "［没有回答］"),
    "broken_off": ("[broken off]", "［中断］"),
    "incomplete": ("The answer is incomplete ({reason})", "回答不完整（{reason}）"),
    # the input
    "type_here": ("Type a message, or press Space to talk", "输入消息，或按空格键说话"),
    "type_or_hold": ("Type a message, or hold Space to talk", "输入消息，或按住空格键说话"),
    "type_only": ("Type a message", "输入消息"),
    "speak_now": ("Speak now", "请说话"),
    "live_ptt": ("LIVE: Space sends, Esc drops", "LIVE 录音中：空格发送，Esc 放弃"),
    "live_held": (
        "LIVE: let go of Space to send, Esc drops",
        "LIVE 录音中：松开空格发送，Esc 放弃",
    ),
    "live_hands_free": ("LIVE, hands-free: Space mutes", "LIVE 免提录音中：空格静音"),
    "muted": ("MUTED: Space unmutes", "已静音：空格取消静音"),
    "talk": ("Push-to-talk: Space starts", "按键说话：空格开始"),
    "talk_hold": ("Push-to-talk: hold Space, or tap it", "按键说话：按住空格，或轻按开始"),
    "text_only": ("Text only", "仅文字"),
    "waking": ("WAIT: the microphone is waking up", "请稍候：麦克风正在启动"),
    "retry_hint": (
        "OFFLINE: next try in {seconds} s, F5 now",
        "已断开：{seconds} 秒后重试，F5 立即重试",
    ),
    "type_here_waits": (
        "What you type is sent when the line is back",
        "线路恢复后会发送您输入的内容",
    ),
    "reconnect_hint": ("OFFLINE: F5 connects again", "已断开：F5 重新连接"),
    # status
    "microphone": ("mic", "麦"),
    "loudspeaker": ("spk", "扬"),
    "buffer": ("buffer {ms} ms", "缓冲 {ms} ms"),
    "slow_link": ("SLOW LINK", "网络慢"),
    "target": ("target {ms} ms", "目标 {ms} ms"),
    "gaps": ("gaps {count} ({seconds:.1f} s)", "断音 {count} 次（{seconds:.1f} 秒）"),
    "echo": ("echo {db} dB after {ms} ms", "回声 {db} dB（{ms} ms）"),
    "half_duplex": ("half duplex", "半双工"),
    "stretched": ("stretched {seconds:.1f} s", "拉长 {seconds:.1f} 秒"),
    "left_out": ("left out {seconds:.1f} s", "略去 {seconds:.1f} 秒"),
    "lost": ("sound lost {count}x", "丢音 {count} 次"),
    "latency": ("latency {seconds:.2f} s", "延迟 {seconds:.2f} 秒"),
    "cost": ("${dollars:.4f}", "${dollars:.4f}"),
    "cost_over": ("over ${dollars:.4f}", "超过 ${dollars:.4f}"),
    "cost_unknown": ("cost ?", "费用 ?"),
    "recording": ("REC", "REC 录音"),
    "volume": ("volume {percent} %", "音量 {percent}%"),
    "scrolled": ("older rows: End returns", "正在看旧消息：End 返回"),
    # keys
    "key_help": ("Help", "帮助"),
    "key_model": ("Model", "模型"),
    "key_devices": ("Devices", "设备"),
    "key_mute": ("Mute", "静音"),
    "key_reconnect": ("Reconnect", "重连"),
    "key_copy": ("Copy", "复制"),
    "key_hands_free": ("Hands-free", "免提"),
    "key_quit": ("Quit", "退出"),
    # pickers
    "pick_model": ("Choose a model (Enter), Esc goes back", "选择模型（回车），Esc 返回"),
    "pick_device": ("Choose a device (Enter), Esc goes back", "选择设备（回车），Esc 返回"),
    "key_set": ("key set", "已有密钥"),
    "key_missing": ("set {env}", "需设置 {env}"),
    "key_none": ("no key needed", "无需密钥"),
    "pick_filter": (
        "Type to filter: gemini, images, key set …",
        "输入文字筛选：gemini、图片、已有密钥……",
    ),
    "pick_nothing": ("Nothing fits", "没有符合的"),
    "signs": ("VTPFHR", "语文图具免推"),
    "signs_mean": (
        "V voice  T text  P pictures  F functions  H hands-free  R reasons",
        "语=语音 文=文字 图=图片 具=工具 免=免提 推=推理",
    ),
    "able": (
        "voice text pictures functions hands-free reasons",
        "语音 文字 图片 工具 免提 推理",
    ),
    "last_used": ("Last used", "最近使用"),
    "used_today": ("last used today", "今天用过"),
    "used_yesterday": ("last used yesterday", "昨天用过"),
    "used_days": ("last used {days} days ago", "{days} 天前用过"),
    "used_on": ("last used {date}", "上次使用：{date}"),
    "ends": ("until {date}, then {successor}", "{date} 停用，之后用 {successor}"),
    "get_key": ("Get {env} at {page}", "获取 {env}：{page}"),
    "voices": ("Voices: {voices}", "音色：{voices}"),
    "price": (
        "{currency} for 1M tokens ({date}): {parts}",
        "每百万 token 价格（{currency}，{date}）：{parts}",
    ),
    "price_minute": (
        "{currency} a minute ({date}): {each}",
        "每分钟价格（{currency}，{date}）：{each}",
    ),
    "price_text": ("text {taken} in, {given} out", "文字 {taken} 入、{given} 出"),
    "price_sound": ("sound {taken} in, {given} out", "声音 {taken} 入、{given} 出"),
    "price_and": ("; ", "；"),
    "price_reported": ("{date}, as users report", "{date}，据用户反馈"),
    "price_ends": ("{date}, until {end}", "{date}，至 {end}"),
    "price_unknown": ("Price: not known", "价格：未知"),
    "microphones": ("Microphones", "麦克风"),
    "loudspeakers": ("Loudspeakers", "扬声器"),
    "default_device": ("(default)", "（默认）"),
    "looking_devices": ("Looking for devices…", "正在查找设备…"),
    "no_devices": ("No sound devices found", "没有找到音频设备"),
    # may a tool run?
    "consent": ("The model wants to run the tool {tool} with:", "模型想运行工具 {tool}，参数："),
    "consent_keys": (
        "y: run it once   a: always, until you quit   n or Esc: no",
        "y：运行一次   a：本次运行期间总是允许   n 或 Esc：不允许",
    ),
    "consent_more": (
        "More below: PgDn or Down to its end, then y or a   n or Esc: no",
        "下面还有内容：按 PgDn 或 ↓ 看到末尾后，才能按 y 或 a   n 或 Esc：不允许",
    ),
    "consent_typing": (
        "Send or clear your message, then y: once, a: always, n: no.  Esc: no",
        "请先发送或清空消息，再按 y：一次，a：总是，n：不允许。Esc：不允许",
    ),
    "consent_behind": (
        "A tool waits for your yes or no: Esc closes this page",
        "有工具在等待你的许可：按 Esc 关闭此页",
    ),
    # a key typed as a message
    "key_asks": (
        "This looks like a key for {title}. It was not sent.",
        "这看起来是 {title} 的密钥，尚未发送。",
    ),
    "key_asks_nobody": (
        "This looks like a key. It was not sent.",
        "这看起来是一个密钥，尚未发送。",
    ),
    "key_keys": (
        "s: store it in the config   n: send it anyway   Esc: drop it",
        "s：保存到配置文件   n：仍然发送   Esc：丢弃",
    ),
    "key_keys_nobody": ("n: send it anyway   Esc: drop it", "n：仍然发送   Esc：丢弃"),
    "key_typing": (
        "Send or clear your message first.  Esc: drop the key",
        "请先发送或清空消息。Esc：丢弃密钥",
    ),
    "key_stored": (
        "Stored as the key of {title} in {path}: F5 connects with it",
        "已作为 {title} 的密钥保存到 {path}：按 F5 使用新密钥连接",
    ),
    "key_dropped": ("Dropped: nothing was sent", "已丢弃：没有发送任何内容"),
    "key_not_sent": (
        "A line was not sent: it looks like a key, which belongs into the config file",
        "有一行没有发送：它看起来是密钥，应写在配置文件中",
    ),
    "key_not_sent_of": (
        "A line was not sent: it looks like a key for {title}. Put it into the config file, "
        "as api_key under [providers.{provider}], or into {env}",
        "有一行没有发送：它看起来是 {title} 的密钥。请写入配置文件 [providers.{provider}] 的 "
        "api_key，或放入环境变量 {env}",
    ),
    # told once
    "copied": ("Copied the last reply", "已复制最后一条回复"),
    "nothing_to_copy": ("There is no reply to copy yet", "还没有可复制的回复"),
    "quit_again": ("Press Ctrl+C again to quit", "再按一次 Ctrl+C 退出"),
    "no_microphone": ("No microphone: type instead", "没有麦克风：请输入文字"),
    "waits_for_line": ("Sent when the line is back", "线路恢复后发送"),
    "not_sent": ("Offline: not sent. F5 connects again", "已断开：未发送。F5 重新连接"),
    "help_orders": (
        "/image PATH words, /screen words, /quit; //text sends /text",
        "/image 路径 文字，/screen 文字，/quit；//文字 会发送 /文字",
    ),
    "order_near": (
        "There is no /{word}: did you mean /{near}? To send it as it is, type // before it",
        "没有 /{word} 命令：是否想输入 /{near}？要原样发送，请以 // 开头",
    ),
    "order_unknown": (
        "There is no /{word}: there are /image, /screen, /help and /quit. "
        "To send it as it is, type // before it",
        "没有 /{word} 命令：可用 /image、/screen、/help 和 /quit。要原样发送，请以 // 开头",
    ),
    "order_image_alone": (
        "Which picture? Type /image, its path, and words about it",
        "哪张图片？请输入 /image、图片路径和想说的话",
    ),
    "picture_loading": ("Reading the picture", "正在读取图片"),
    "picture_not_sent": (
        "Not sent: this model sees no pictures. F2 chooses another",
        "未发送：此模型看不了图片。F2 选择其他模型",
    ),
    "mute_is_hands_free": (
        "Mute is for hands-free; now nothing is heard until you press Space",
        "静音用于免提模式；现在按空格之前不会录音",
    ),
    "hands_free_on": (
        "Hands-free: the model hears when you begin and end",
        "免提：模型会听出你何时开始和结束",
    ),
    "hands_free_off": ("Push-to-talk: Space begins and ends", "按键说话：空格开始，再按结束"),
    "hands_free_off_hold": (
        "Push-to-talk: hold Space while you speak, or tap it to begin and end",
        "按键说话：按住空格说话，或轻按开始、再按结束",
    ),
    "recording_on": ("Recording to {path}", "正在录音到 {path}"),
    "recording_off": ("The recording is in {path}", "录音已保存到 {path}"),
    "recording_no_sound": ("There is no sound to record", "没有可录的声音"),
    "switching": ("Switching to {model}", "切换到 {model}"),
    "reconnecting": ("Connecting again", "正在重新连接"),
    "help": (
        """\
Space      talk: press once to start, again to send; or hold it,
           where the terminal tells (empty box); hands-free: mute
Esc        stop the reply, or drop what you are saying
Enter      send what you typed        Up/Down  earlier messages
Ctrl+T     hands-free on or off       F4       mute on or off
F2         choose a model             F3       choose devices
F5         connect again              Ctrl+Y   copy the last reply
Ctrl+R     record the call, or stop   Ctrl+Up/Down  louder, softer
PgUp/PgDn  older and newer rows       End      the newest rows
Ctrl+Q     quit (or Ctrl+C twice)

"""
        + _ORDERS[0]
        + """

LIVE means: what the microphone hears goes to the model.
Your voice makes a reply wait; it goes on if that was nothing.

Esc closes this page.""",
        """\
空格       输入框为空时：按一次说话，再按发送；若终端支持，
           也可按住说话、松开发送；免提模式下为静音
Esc        停止回复，或放弃正在说的话
回车       发送输入的文字            上/下   之前的消息
Ctrl+T     打开或关闭免提            F4      静音开关
F2         选择模型                  F3      选择设备
F5         重新连接                  Ctrl+Y  复制最后一条回复
Ctrl+R     录音，再按停止            Ctrl+上/下   音量增减
PgUp/PgDn  滚动对话                  End     回到最新消息
Ctrl+Q     退出（或按两次 Ctrl+C）

"""
        + _ORDERS[1]
        + """

LIVE（录音中）表示：麦克风听到的声音会发送给模型。
您一出声，回复会先停下；若无内容则继续。

按 Esc 关闭此页。""",
    ),
}

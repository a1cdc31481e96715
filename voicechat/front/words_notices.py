"""What is told once in a call, in Chinese; see `words_errors`, which knows how to find it."""

NOTICES = {
    # the user's turn, and its answer
    "That was too short: press Space, speak, then press Space again": (
        "太短了：请按空格，说话，再按空格"
    ),
    "That was too short: hold the key while you speak": "太短了：说话时请按住键",
    "The service heard no words in that": "服务没有听出内容",
    "{who} s without an answer from {title}: it may be overloaded; F5 asks again": (
        "{title} 在 {who} 秒内没有回答，可能过载；按 F5 再问一次"
    ),
    "{who} answered with nothing: ask again": "{who} 的回答是空的：请再问一次",
    "{who} still hears you speak, though it is quiet here: mute and unmute, or use Space to talk": (
        "周围很安静，但 {who} 仍认为您在说话：请静音再取消静音，或用空格键说话"
    ),
    "{who} reads no typed messages: speak to it": "{who} 不能读文字：请说话",
    "{who} sees no pictures: choose another model (F2)": "{who} 看不了图片：请选择其他模型（F2）",
    "{who} cannot be told where you cut it: it believes you heard all it sent": (
        "无法告诉 {who} 您在哪里打断：它以为您听完了全部"
    ),
    "{who} lets any voice cut its reply, a cough too; {why}": (
        "任何声音（包括咳嗽）都会打断 {who} 的回复；{why}"
    ),
    # the line
    "Offline: {why}": "已离线：{why}",
    "Connecting again in {seconds:.0f} s": "{seconds:.0f} 秒后重新连接",
    "The line was lost in the middle of the answer": "回答到一半时线路断开了",
    "Your line is slower than speech: {seconds} s wait to be sent": (
        "您的网络比说话慢：还有 {seconds} 秒语音待发送"
    ),
    "Your line is too slow: what you said {seconds} s ago and earlier is not sent": (
        "网络太慢：{seconds} 秒以前说的话不再发送"
    ),
    "Your line is slower than speech: from now on it carries your voice as a telephone does": (
        "网络比说话慢：从现在起以电话音质发送您的声音"
    ),
    "The line to {who} is dead: nothing came for {seconds} s": (
        "与 {who} 的线路已断：{seconds} 秒没有任何消息"
    ),
    # sound
    "The {device} went away; trying to get it back": "{device}已断开，正在尝试恢复",
    "The {device} is back: {name}": "{device}已恢复：{name}",
    "The {device} works now: {name}": "{device}现在可用：{name}",
    "No {device} {name}; using {other}": "没有{device} {name}，改用 {other}",
    "The microphone gives nothing but silence: is it muted?": "麦克风没有声音：是否已静音？",
    "The microphone gives a constant instead of sound: is it plugged in well?": (
        "麦克风只有恒定电平：是否插好？"
    ),
    "The microphone is too loud, it clips: turn it down in the system's settings": (
        "麦克风音量过大，声音失真：请在系统设置中调低"
    ),
    # a conversation that is resumed
    "This goes on with conversation {who}; rows: {count}": "继续对话 {who}，共 {count} 行",
    "This goes on with conversation {who}; rows: {count}; last with {name}": (
        "继续对话 {who}，共 {count} 行，上次使用 {name}"
    ),
    "Lines of its file that cannot be read: {count}; everything else is here": (
        "文件中有 {count} 行无法读取，其余都在"
    ),
    "{path} is longer than {minutes} minutes": "{path} 超过 {minutes} 分钟",
    "Speak a shorter part of it": "请使用较短的一段",
    "There is no home folder (HOME is not set): the conversation is not saved": (
        "没有主目录（未设置 HOME）：对话不会保存"
    ),
    "The disk is too slow: the recording has gaps": "磁盘太慢：录音有缺失",
}
DEVICES = {"microphone": "麦克风", "loudspeaker": "扬声器"}

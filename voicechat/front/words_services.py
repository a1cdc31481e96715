"""What goes wrong with models, services, pictures and tools, in Chinese; see `words_errors`."""

SERVICES = {
    # the model and its key
    "There is no key for {who}": "没有 {who} 的密钥",
    "{who} was switched off on {date}; this is {other}": "{who} 已于 {date} 停用；现用 {other}",
    "{who} is switched off on {date}; its successor is {other}": (
        "{who} 将于 {date} 停用；后继模型是 {other}"
    ),
    "{who} is switched off on {date}": "{who} 将于 {date} 停用",
    "{who} may be gone since {date}; its successor is {other}": (
        "{who} 可能已于 {date} 停用；后继模型是 {other}"
    ),
    "{who} has no chat service that is known here": "本程序不知道 {who} 的聊天服务",
    "{who} has no usual chat model": "{who} 没有默认聊天模型",
    "{who} has no HTTP service that is known here": "本程序不知道 {who} 的 HTTP 服务",
    "The model {who} does not look at pictures": "模型 {who} 看不了图片",
    "I cannot hear yet: set [local] ears": "我还听不见：请设置 [local] ears",
    "No words were heard": "没有听到任何话",
    # a service asked over HTTP
    "{who} refused the key{said}": "{who} 不接受此密钥{said}",
    "{who} says that the account has no credit left (HTTP {code}){said}": (
        "{who} 称账户余额已用完（HTTP {code}）{said}"
    ),
    "{who} did not accept the request (HTTP {code}){said}": (
        "{who} 没有接受请求（HTTP {code}）{said}"
    ),
    "{who} refused the request (HTTP {code}){said}": "{who} 拒绝了请求（HTTP {code}）{said}",
    "{who} wants money (HTTP {code}){said}": "{who} 要求付费（HTTP {code}）{said}",
    "{who} is not reachable behind its gateway (HTTP {code}){said}": (
        "无法到达网关后的 {who}（HTTP {code}）{said}"
    ),
    "{who} does not answer its gateway (HTTP {code}){said}": (
        "{who} 没有回应其网关（HTTP {code}）{said}"
    ),
    "{who} waited too long for us (HTTP {code}){said}": "{who} 等我们太久（HTTP {code}）{said}",
    "{who} is not ready yet (HTTP {code}){said}": "{who} 尚未就绪（HTTP {code}）{said}",
    "{who} wants another protocol (HTTP {code}){said}": "{who} 要求其他协议（HTTP {code}）{said}",
    "{who} finds the key or a header too long (HTTP {code}){said}": (
        "{who} 认为密钥或请求头过长（HTTP {code}）{said}"
    ),
    "{who} denied access for legal reasons (HTTP {code}){said}": (
        "{who} 因法律原因拒绝访问（HTTP {code}）{said}"
    ),
    "{who} is in trouble (HTTP {code}){said}": "{who} 遇到问题（HTTP {code}）{said}",
    "{who} sends us on to {goal} (HTTP {code}); the key was not sent there": (
        "{who} 要求转到 {goal}（HTTP {code}）；密钥没有发送到那里"
    ),
    "{who} does not allow connections to {goal} (HTTP {code})": (
        "{who} 不允许连接 {goal}（HTTP {code}）"
    ),
    "{who} is busy (HTTP {code})": "{who} 忙（HTTP {code}）",
    "{who} opens no connections (HTTP {code})": "{who} 不建立连接（HTTP {code}）",
    "{who} could not reach {goal} (HTTP {code})": "{who} 无法到达 {goal}（HTTP {code}）",
    "{who} does not offer this model (HTTP {code}){said}": (
        "{who} 不提供此模型（HTTP {code}）{said}"
    ),
    "{who} does not offer this model{said}": "{who} 不提供此模型{said}",
    "{who} does not want to talk about this (HTTP {code}){said}": (
        "{who} 不愿谈论此内容（HTTP {code}）{said}"
    ),
    "{who} does not want to talk about this{said}": "{who} 不愿谈论此内容{said}",
    "{who} has too much to do, or had too many requests of yours (HTTP {code}){said}": (
        "{who} 过忙，或您的请求过多（HTTP {code}）{said}"
    ),
    "{who} has too much to do, or had too many requests of yours{said}": (
        "{who} 过忙，或您的请求过多{said}"
    ),
    "{who} says that the conversation is too long (HTTP {code}){said}": (
        "{who} 称对话过长（HTTP {code}）{said}"
    ),
    "{who} says that the conversation is too long{said}": "{who} 称对话过长{said}",
    "{who} failed{said}": "{who} 出错{said}",
    "{who} took longer than {seconds} s": "{who} 用时超过 {seconds} 秒",
    "The line to {who} broke ({name})": "到 {who} 的线路中断（{name}）",
    "{who} sent something unreadable ({name})": "读不懂 {who} 发来的内容（{name}）",
    "{who} sent something unreadable": "读不懂 {who} 发来的内容",
    "{who} sent no words": "{who} 没有给出文字",
    "{who} made no sound": "{who} 没有给出声音",
    "{who} offers no chat model": "{who} 没有聊天模型",
    "{who} is not encrypted and would get your key": "{who} 未加密，会泄露您的密钥",
    "The speech did not begin within {seconds} s": "语音在 {seconds} 秒内没有开始",
    "{why}: a program of this machine speaks for now": "{why}：暂由本机程序朗读",
    # pictures
    "There is no file {who}": "没有文件 {who}",
    "{who} may not be read": "没有读取 {who} 的权限",
    "{who} cannot be read: {why}": "无法读取 {who}：{why}",
    "{who} is a folder": "{who} 是文件夹",
    "{who} is a pipe or a device, not a file": "{who} 是管道或设备，不是文件",
    "{who} is larger than {count} MB": "{who} 超过 {count} MB",
    "{who} has more than {count} million pixels": "{who} 超过 {count} 百万像素",
    "{who} is damaged or incomplete": "{who} 已损坏或不完整",
    "{who} is a HEIC photo": "{who} 是 HEIC 照片",
    "{who} is empty": "{who} 是空文件",
    "{who} is not a picture": "{who} 不是图片",
    "{who} cannot be made smaller than {count} kB": "无法将 {who} 缩小到 {count} kB 以下",
    "{who} took longer than {seconds} seconds to read": "读取 {who} 超过 {seconds} 秒",
    "The disk did not answer": "磁盘没有回应",
    "The screen did not answer": "屏幕没有回应",
    "The system shows programs only a black screen": "系统只让程序看到黑屏",
    "Wayland lets no program look at the screen": "Wayland 不允许程序查看屏幕",
    "There is no screen here to look at (DISPLAY is not set)": "这里没有屏幕（未设置 DISPLAY）",
    "The screen cannot be read ({name})": "无法读取屏幕（{name}）",
    "Screenshots need mss, which is not installed": "截图需要 mss，尚未安装",
    # tools
    "The tool server {who} does not work: {why}": "工具服务器 {who} 无法使用：{why}",
    "The tool server {who} is still starting": "工具服务器 {who} 仍在启动",
    "The tool server {who} works now: its tools are offered from the next connection on": (
        "工具服务器 {who} 已可用：下次连接起提供其工具"
    ),
    "The tool server {who} has no tool {name}": "工具服务器 {who} 没有工具 {name}",
    "Only the first {count} tools are offered: choose with tools = [...] under [mcp.NAME]": (
        "只提供前 {count} 个工具：请在 [mcp.NAME] 下用 tools = [...] 选择"
    ),
    "The tool server {who}: {why}": "工具服务器 {who}：{why}",
    "the tool {name} is listed twice: the first counts": "工具 {name} 列了两次，以第一个为准",
    "the parameters of {name} are too large: it is left out": "{name} 的参数过大，未提供该工具",
    "a tool's name is longer than {count} characters": "有工具的名称超过 {count} 个字符，未提供",
    "only its first {count} tools are offered": "只提供它的前 {count} 个工具",
    "its list of tools does not end: the rest is left out": "它的工具列表没有尽头，其余略去",
    "It sent more than {count} MB at once": "它一次发来超过 {count} MB 的内容",
    "It sent an event of more than {count} MB": "它发来超过 {count} MB 的单个事件",
    "Its answer did not end within {seconds} s": "它的回应在 {seconds} 秒内没有结束",
    "It compresses its answers, which was not asked for": "它擅自压缩了回应",
    "Tool servers need the package mcp": "工具服务器需要 mcp 软件包",
    "It ended at once": "它立即退出了",
    "It went away": "它已断开",
    "It did not start within {seconds} s": "它在 {seconds} 秒内没有启动",
    "It cannot be reached ({name})": "无法连接到它（{name}）",
    "It cannot be reached through the proxy ({name})": "无法通过代理连接到它（{name}）",
    "It did not answer in time": "它没有及时回应",
    "{who} does not start ({name})": "{who} 无法启动（{name}）",
}
SERVICE_HINTS = {
    "Typed messages work": "打字可以用",
    "Say it again, or check the microphone": "请再说一遍，或检查麦克风",
    "Set {env} (get one at {page})": "请设置 {env}（在 {page} 获取）",
    "Set {env}": "请设置 {env}",
    "Set http_url in [providers.{name}]": "请在 [providers.{name}] 中设置 http_url",
    "Use --link websocket, or set http_url in [providers.{name}]": (
        "请用 --link websocket，或在 [providers.{name}] 中设置 http_url"
    ),
    "Choose a model that does; ask again to go on without it": (
        "请选择能看图片的模型；再问一次则不带图片"
    ),
    "Check the model's name, and whether your account may use it": (
        "请检查模型名称，以及您的账户能否使用"
    ),
    "Check the account's balance": "请检查账户余额",
    "Check the address, the key and the model": "请检查地址、密钥和模型",
    "If {who} is right, give its address instead": "若 {who} 正确，请直接填写它的地址",
    "Ask whoever runs it, or use another proxy": "请询问代理管理员，或换用其他代理",
    "Perhaps it is an ordinary web server: check the address": (
        "它可能只是普通网站服务器：请检查地址"
    ),
    "Check the service's address": "请检查服务地址",
    "It may not serve your region": "它可能不支持您所在的地区",
    "Say it in another way": "请换个说法",
    "Try again in a while": "请过一会儿再试",
    "Try again": "请再试一次",
    "Try again, or check the proxy": "请再试一次，或检查代理",
    "Start a new one": "请开始新的对话",
    "Check the model of the mouth": "请检查朗读（mouth）模型",
    "Check the model of the ears": "请检查听写（ears）模型",
    "Install one, or name it": "请安装一个，或指定名称",
    "Is it running?": "它在运行吗？",
    "Use https": "请用 https",
    "Check the path; put it in quotes if it has spaces": "请检查路径；有空格时请加引号",
    "Change its permissions, or copy it": "请更改其权限，或复制一份",
    "Name one picture in it": "请指定其中一张图片",
    "Name a picture file": "请指定图片文件",
    "Save a smaller copy of it": "请另存一份较小的",
    "Open it in another program and save it again": "请用其他程序打开并重新保存",
    "Save it as JPEG first": "请先另存为 JPEG",
    "Choose another file": "请选择其他文件",
    "Choose another one": "请另选一张",
    "JPEG, PNG, WebP, GIF, BMP and AVIF can be read": "可读取 JPEG、PNG、WebP、GIF、BMP 和 AVIF",
    "Copy it to this machine's own disk": "请复制到本机磁盘",
    "Take a screenshot with another program and send it with /image": (
        "请用其他程序截图，再用 /image 发送"
    ),
    'Install it: pip install "voicechat[{name}]"': '请安装：pip install "voicechat[{name}]"',
}

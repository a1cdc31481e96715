"""What providers and their models tell, in Chinese; `words_errors` knows how to find it."""

MODELS = {
    # which model, and what it needs
    "There is no address for {who}: the one that was given belongs to {owner}": (
        "没有 {who} 的地址：给出的地址属于 {owner}"
    ),
    "The address in url was given for {owner}, so {who} is reached at its own": (
        "url 中的地址是给 {owner} 的，因此 {who} 使用自己的地址"
    ),
    "{first}; the address in url was given for {owner}, so {who} is reached at its own": (
        "{first}；url 中的地址是给 {owner} 的，因此 {who} 使用自己的地址"
    ),
    "There is no address for Azure OpenAI": "没有 Azure OpenAI 的地址",
    "There is no address for a server of your own": "没有您自己服务器的地址",
    "Azure OpenAI needs the name of your deployment": "Azure OpenAI 需要部署名称",
    "This Qwen model answers only at the address of your own workspace": (
        "此 Qwen 模型只能通过您自己业务空间的地址访问"
    ),
    # its settings
    "The server refused {what} ({why}); going on without": "服务器不接受{what}（{why}）：已略去",
    "The server refused noise reduction: {why}": "服务器不接受降噪：{why}",
    "The server keeps its own settings: {why}": "服务器沿用自己的设置：{why}",
    "The server speaks an older protocol; using that": "服务器使用旧版协议：已改用旧版",
    "The server hears {count} Hz and speaks {code} Hz": (
        "服务器以 {count} Hz 收音，以 {code} Hz 播音"
    ),
    "The server sends sound that is no PCM": "服务器发来的声音不是 PCM",
    "The server {what}, whatever was asked for": "服务器{what}，与所选不同",
    "{who} settles who finds the turns when a session begins: the next one will have it": (
        "{who} 在会话开始时就确定由谁判断说话起止：将换新会话"
    ),
    "The model was not told all of what was said before: {why}": (
        "模型没有得知之前的全部对话：{why}"
    ),
    # its answers
    "The model did not begin to answer within {seconds} s": "模型在 {seconds} 秒内没有开始回答",
    "The model gave no answer": "模型没有回答",
    "Typed text is not answered by this model: speak": "此模型不回答文字：请说话",
    "{who} answers no typed text (F5 goes back to it): the call goes on over HTTP with {other}": (
        "{who} 不回答文字：改用 HTTP 与 {other} 继续通话（按 F5 返回）"
    ),
    "GPT-Live only listens and speaks: it takes no typed text and no pictures; "
    "speak, or choose another model": (
        "GPT-Live 只能听和说，不接受文字和图片：请说话，或选择其他模型"
    ),
    # pictures and tools
    "{who} cannot look at pictures": "{who} 看不了图片",
    "{who} did not get the picture: it takes {what}": "{who} 没有收到图片：{what}",
    "GLM refused the picture: {why}": "GLM 不接受此图片：{why}",
    "GLM looks at JPEG pictures only": "GLM 只能看 JPEG 图片",
    "GLM looks at pictures of at most {count} KB": "GLM 只能看不超过 {count} KB 的图片",
    "While it sees a picture, GLM calls no tools": "看图片期间，GLM 不调用工具",
    "The message is too long for GLM": "消息太长，GLM 不接受",
    "GLM did not hear that you stopped: the turn was ended for it": (
        "GLM 没有听出您已说完：已替它结束这一轮"
    ),
    "GLM did not hear that you stopped: the turn was ended for it"
    "; hands-free, it goes on without tools": (
        "GLM 没有听出您已说完：已替它结束这一轮；免提时不再使用工具"
    ),
    # how its session ended
    "{who} refused the session: {why}": "{who} 不接受此会话：{why}",
    "{who} has no session for us now: {why}": "{who} 现在无法建立会话：{why}",
    "{who} began no session within {seconds} s": "{who} 在 {seconds} 秒内没有建立会话",
    "{who} did not agree to our settings within {seconds} s": (
        "{who} 在 {seconds} 秒内没有确认设置"
    ),
    "{who} ended the session: its safety filter stepped in": "{who} 的安全过滤结束了会话",
    "{who} lost the session on its side": "{who} 一侧丢失了会话",
    "{who} hung up": "{who} 挂断了",
}
HINTS = {
    "Set {env} or {other} (get one at {page})": "请设置 {env} 或 {other}（获取密钥：{page}）",
    "Set AZURE_OPENAI_ENDPOINT to https://NAME.openai.azure.com, or url in [providers.azure]": (
        "请将 AZURE_OPENAI_ENDPOINT 设为 https://NAME.openai.azure.com，"
        "或在 [providers.azure] 中设置 url"
    ),
    "Use --model azure/NAME, or set model in [providers.azure]": (
        "请用 --model azure/NAME，或在 [providers.azure] 中设置 model"
    ),
    "Use --url, or set url in [providers.custom]": (
        "请用 --url，或在 [providers.custom] 中设置 url"
    ),
    "Set url in [providers.qwen] to wss://WORKSPACE.REGION.maas.aliyuncs.com/api-ws/v1/realtime": (
        "请在 [providers.qwen] 中将 url 设为 "
        "wss://WORKSPACE.REGION.maas.aliyuncs.com/api-ws/v1/realtime"
    ),
    "Check the key in {env}; a key of z.ai belongs into ZAI_API_KEY; keys: {page}": (
        "请检查 {env} 中的密钥；z.ai 的密钥请放入 ZAI_API_KEY；密钥页面：{page}"
    ),
    "Check the key in {env}; keys of stepfun.ai need url = wss://api.stepfun.ai/v1/realtime; "
    "keys: {page}": (
        "请检查 {env} 中的密钥；stepfun.ai 的密钥需设置 url = wss://api.stepfun.ai/v1/realtime；"
        "密钥页面：{page}"
    ),
    "Choose another model: an account may not use all of them": (
        "请选择其他模型：账户不一定能用所有模型"
    ),
    "Choose another model or voice": "请选择其他模型或音色",
    "Try again, choose another model, or look at your balance": (
        "请重试、选择其他模型，或查看余额"
    ),
    "Use a proxy in a country that the service serves": "请使用服务所支持地区的代理",
    "Begin a new conversation": "请开始新对话",
    "A new call can be made at once": "可以立即重新通话",
    "Start a new call and talk of something else": "请重新通话，换个话题",
}
WISHES = {
    "writing down what you say": "语音转写",
    "the chosen voice": "所选音色",
    "the tools": "工具",
    "the sound format": "声音格式",
    "the kind of answer": "回答方式",
    "the turn-taking": "说话起止设置",
    "the details of the turn-taking": "说话起止的细节设置",
    "noise reduction": "降噪",
    "some of our settings": "部分设置",
    "what was said before": "之前的对话",
    "no pictures": "它不看图片",
    "JPEG pictures of at most {count} kB": "只接受不超过 {count} kB 的 JPEG",
    "finds the turns itself": "自行判断说话起止",
    "leaves the turns to the key": "只听按键判断说话起止",
    "The service": "服务",
}
"""Parts of the sentences above."""
GLM = {
    "it had an internal error": "内部出错",
    "the key was not accepted": "密钥未被接受",
    "no key arrived": "没有收到密钥",
    "the key is not valid": "密钥无效",
    "the key has expired": "密钥已过期",
    "the account is not active": "账户未激活",
    "there is no such account": "没有此账户",
    "the account is locked": "账户已锁定",
    "the account has no balance for Realtime, which is billed apart from text models": (
        "账户没有 Realtime 余额（与文本模型分开计费）"
    ),
    "the account cannot be looked up now": "暂时无法查询账户",
    "it did not understand a setting": "有一项设置无法识别",
    "it knows no such model": "没有此模型",
    "it misses a field": "缺少字段",
    "a field is wrong": "字段有误",
    "this account may not use the model": "此账户不能使用该模型",
    "the model is switched off": "该模型已停用",
    "its network failed": "其网络出错",
    "the conversation is too long for the model": "对话过长，模型无法处理",
    "its content filter stopped the answer": "内容过滤中止了回答",
    "too many calls run at once": "同时进行的通话过多",
    "too many calls in a short time": "短时间内通话过多",
    "today's limit of calls is reached": "已达今日通话上限",
    "it is overloaded": "过载",
    "the limit of use is reached until its reset": "已达用量上限，重置前不可用",
    "the plan has ended": "套餐已到期",
    "the plan does not include this model": "套餐不含此模型",
    "the model is busy": "模型繁忙",
    "it slows this account down for heavy use": "因用量过大被限速",
    "its gateway lost the model; the account may lack this model, or balance": (
        "网关失去了模型；账户可能没有此模型或余额不足"
    ),
    "this account may not use the model, or there is none of this name": (
        "此账户不能使用该模型，或没有此名称的模型"
    ),
    "the model failed": "模型出错",
    "the model failed on the picture": "模型处理图片时出错",
}
"""The platform's numbers in words; its own words stand behind them."""

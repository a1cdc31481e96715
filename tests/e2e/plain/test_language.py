"""The program speaks the user's language where a person reads; what scripts read stays English."""

import pytest

from tests.e2e.plain.program import MODEL, Program

CHINESE = {"LANG": "zh_CN.UTF-8"}


async def test_a_missing_key_is_told_in_the_language_of_the_system(program: Program) -> None:
    done = await program.run("--plain", "--model", MODEL, stdin="hello\n", env=CHINESE)
    assert done.failed_with_one_line(2) == (
        "voicechat: 未设置 OpenAI 的 API 密钥。"
        "请设置 OPENAI_API_KEY（在 https://platform.openai.com/api-keys 获取）"
    )


async def test_the_config_counts_more_than_the_system(program: Program) -> None:
    program.config.write_text('[ui]\nlanguage = "zh"\n')
    done = await program.run("--plain", "--say", "none.wav", stdin="", env={"LANG": "en_US.UTF-8"})
    assert "无法读取" in done.failed_with_one_line(2)
    program.config.write_text('[ui]\nlanguage = "en"\n')
    done = await program.run("--plain", "--say", "none.wav", stdin="", env=CHINESE)
    assert "Cannot read" in done.failed_with_one_line(2)


async def test_a_language_that_nobody_translated_to_is_refused(program: Program) -> None:
    program.config.write_text('[ui]\nlanguage = "tlh"\n')
    done = await program.run("--plain", "--model", "local", stdin="hello\n")
    line = done.failed_with_one_line(2)
    assert "'tlh'" in line and "auto, en, zh" in line


async def test_what_the_built_in_model_fails_at_is_told_in_chinese(
    program: Program, unused_tcp_port: int
) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}/v1"
    options = ("--model", "chat/any-model", "--url", address)
    done = await program.run("--plain", *options, stdin="hello\n", env=CHINESE)
    assert "拒绝连接" in done.failed_with_one_line() and "refused" not in done.err
    done = await program.run("--json", *options, stdin="hello\n", env=CHINESE)
    assert done.code == 1
    assert any("refused the connection" in str(event) for event in done.events)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bogus",), "错误：没有选项 --bogus"),
        (("export",), "错误：export 需要一个对话的 ID"),
        (("--link", "pigeon"), "错误：参数 --link：无效的选择：'pigeon'"),
        (("--hands-free", "--push-to-talk"), "不能与参数 --hands-free 同时使用"),
        (("--model",), "错误：参数 --model：需要一个值"),
    ],
)
async def test_a_wrong_command_line_is_told_in_chinese(
    program: Program, options: tuple[str, ...], words: str
) -> None:
    done = await program.run(*options, env=CHINESE)
    assert done.code == 2 and words in done.err and done.err.startswith("用法：")


async def test_the_help_and_the_lists_are_in_chinese(program: Program) -> None:
    shown = await program.run("--help", env=CHINESE)
    assert shown.code == 0 and "与哪个模型对话" in shown.out and "显示此帮助并退出" in shown.out
    models = await program.run("models", env=CHINESE)
    assert "OpenAI (openai)：需设置 OPENAI_API_KEY" in models.out
    kept = await program.run("conversations", env=CHINESE)
    assert kept.out == "目前没有保存任何对话。\n"
    as_json = await program.run("models", "--json", env=CHINESE)
    assert "API" in as_json.out and "密钥" not in as_json.out

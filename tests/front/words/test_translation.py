"""Every language of the interface is whole: each sentence of the code, and nothing else."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from babel.messages.mofile import read_mo
from hypothesis import given
from hypothesis import strategies as st

from tests import translations
from voicechat import errors
from voicechat.errors import ConfigError, LinkError
from voicechat.front.words.translation import (
    ENGLISH,
    LOCALES,
    Translation,
    find_language,
    languages,
)
from voicechat.text.phrase import phrase

OTHERS = [language for language in languages() if language != ENGLISH]
SAME_IN_CHINESE = {"cost", "transcribing"}
"""Words that are signs."""
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Told(NamedTuple):
    """One entry of a catalog."""

    context: str | None
    id: str
    string: str


def messages(language: str) -> Iterator[Told]:
    for message in translations.read(language):
        if message.id:
            yield Told(message.context, str(message.id), str(message.string))


def gaps(pattern: str) -> list[tuple[str, str, str]]:
    """The values of a pattern, with how each is shown."""
    parts = string.Formatter().parse(pattern)
    return sorted((name, form or "", kind or "") for _, name, form, kind in parts if name)


def test_there_is_chinese_beside_english() -> None:
    assert languages() == ("en", "zh")


def sentences_without_a_key(tree: ast.AST) -> Iterator[str]:
    """Texts that are given to an error or an event of ours as they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            for part in node.args[FIRST_WORDS[name] :] if name in FIRST_WORDS else ():
                plain = isinstance(part, ast.JoinedStr | ast.Constant)
                if plain and " " in ast.unparse(part):
                    yield f"{name}: {ast.unparse(part)}"


ERRORS = [name for name, one in vars(errors).items() if isinstance(one, type)]
FIRST_WORDS = {
    **{name: 0 for name in ERRORS if name.endswith("Error")},
    **dict.fromkeys(("Notice", "ProviderFailed", "InputFailed"), 1),
    "SessionExpired": 0,
}
"""Where among their values the words for the user begin."""


@pytest.mark.parametrize(
    "path", sorted(translations.HOUSE.rglob("*.py")), ids=lambda path: path.stem
)
def test_no_sentence_is_made_without_its_key(path: Path) -> None:
    assert list(sentences_without_a_key(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_the_code_is_in_the_catalog(language: str) -> None:
    kept = {(message.context, message.id) for message in messages(language)}
    made = {(message.context, message.id) for message in translations.extracted() if message.id}
    assert made - kept == set(), "run: python -m tests.translations"
    assert kept - made == set(), "run: python -m tests.translations"
    assert not translations.read(language).obsolete


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated_and_none_is_a_guess(language: str) -> None:
    assert [message.id for message in messages(language) if not message.string] == []
    assert [one.id for one in translations.read(language) if one.id and one.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_takes_the_same_values(language: str) -> None:
    wrong = [one.id for one in messages(language) if gaps(one.id) != gaps(one.string)]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_installed_is_what_was_translated(language: str) -> None:
    with translations.file_of(language).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    told = {(one.context, one.id): one.string for one in compiled if one.id}
    assert told == {(one.context, one.id): one.string for one in messages(language)}


def test_the_compiled_catalogs_are_installed_with_the_program() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["voicechat"]
    house = LOCALES.parents[2]
    packed = {path for pattern in patterns for path in house.glob(pattern)}
    assert {LOCALES / one / "LC_MESSAGES/voicechat.mo" for one in OTHERS} <= packed


def test_chinese_is_chinese_and_of_one_style() -> None:
    for message in messages("zh"):
        has_words = re.search("[a-z]", re.sub(r"\{.*?\}", "", message.id))
        is_sign = message.context in SAME_IN_CHINESE
        assert CHINESE.search(message.string) or is_sign or not has_words, message.id
        assert "您" not in message.string and "线路" not in message.string, message.id
        assert "： " not in message.string, message.id


def test_a_sentence_is_told_with_its_parts() -> None:
    who = phrase("The proxy {label}", label="a. b: refused")
    error = LinkError(phrase("{who} wants a user name and password", who=who), phrase("Try again"))
    assert Translation("zh").told(error) == "代理 a. b: refused 需要用户名和密码。请再试一次"
    assert Translation("en").told(error) == str(error)


def test_what_a_catalog_lacks_stays_english_as_a_whole() -> None:
    sung = phrase("{who} sings", who=phrase("The network"))
    assert Translation("zh").told(sung) == "The network sings"
    assert Translation("zh").word("no_such_key", "a word") == "a word"


@given(st.text(max_size=300) | st.sampled_from(["{", "{who}", "{0} {x}", "{x.__class__}"]))
def test_any_value_is_shown_as_it_is(text: str) -> None:
    assert Translation("zh").told(text) == text
    assert Translation("zh").told(phrase("{who} hung up", who=text)) == f"{text} 挂断了"


@pytest.mark.parametrize(
    ("wanted", "environ", "found"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("auto", {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LC_MESSAGES": "zh_TW", "LANG": "en_GB"}, "zh"),
        ("auto", {"LC_ALL": "", "LANG": "zh_HK.UTF-8"}, "zh"),
        ("auto", {"LANG": "de_DE.UTF-8"}, "en"),
        ("auto", {}, "en"),
    ],
)
def test_language_follows_the_wish_then_the_locale(
    wanted: str, environ: dict[str, str], found: str
) -> None:
    assert find_language(wanted, environ) == found


def test_a_language_without_a_catalog_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(ConfigError, match="There are: auto, en, zh"):
        find_language("tlh", {})

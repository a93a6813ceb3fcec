"""Help, and what is said of arguments that cannot be used, is there in Vietnamese as in English."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
import typer
from typer import rich_utils
from typer._click import Command
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException
from typer.main import get_command

from claims import cli
from claims.cli.app import app
from claims.cli.helping import (
    HelpContext,
    describe_usage,
    load_words,
    paragraphs,
    reading_language,
    without_language,
)

SOURCES = Path(cli.__file__).parent

#: What is the same in every language: what is typed, read by programs, or counted.
_MARKED = re.compile(
    r"`+[^`]+`+|(?<!\w)--?[a-z][\w-]*|\{\}|[A-Z][A-Z0-9_]{2,}|\b\w+_(?:…|\w+)|[\w./]*/[\w./]*|\d+(?:[.,-]\d+)*"
)
#: Words that are capital letters in one of the two alone.
_OF_ONE_LANGUAGE = {"COMMAND", "ARGS", "OPTIONS", "THAM", "BHXH", "BHYT", "KBCB"}


def commands_below(command: Command, context: HelpContext) -> Iterator[tuple[Command, HelpContext]]:
    """Yield a command and all below it, each with what its help is shown in."""
    yield command, context
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands_below(below, HelpContext(below, info_name=name, parent=context))


def texts_of_help() -> Iterator[str]:
    """Yield all that the help of any command can say in words."""
    yield from (rich_utils.ARGUMENTS_PANEL_TITLE, rich_utils.OPTIONS_PANEL_TITLE)
    yield from (rich_utils.COMMANDS_PANEL_TITLE, rich_utils.REQUIRED_LONG_STRING)
    yield from (rich_utils.DEFAULT_STRING, rich_utils.ENVVAR_STRING, "Usage: ")
    root = get_command(app)
    for command, context in commands_below(root, HelpContext(root, info_name="claims")):
        assert isinstance(command, TyperCommand | TyperGroup)
        yield from (*paragraphs(command.help), *paragraphs(command.options_metavar))
        yield from paragraphs(command.rich_help_panel)
        if isinstance(command, TyperGroup):
            yield command.subcommand_metavar
        for parameter in command.get_params(context):
            assert isinstance(parameter, TyperArgument | TyperOption)
            yield from (*paragraphs(parameter.help), *paragraphs(parameter.rich_help_panel))
            if isinstance(parameter.show_default, str):
                yield parameter.show_default


def marked(text: str) -> set[str]:
    """Return the words of a text that are no language's."""
    return {word.replace(",", ".") for word in _MARKED.findall(text)} - _OF_ONE_LANGUAGE


def test_all_help_is_in_vietnamese_too_and_nothing_is_left_over() -> None:
    assert {*texts_of_help()} == load_words("help").keys()


@pytest.mark.parametrize("part", ["help", "usage"])
def test_what_is_typed_or_counted_is_the_same_in_both(part: Literal["help", "usage"]) -> None:
    words = load_words(part)
    differing = {english: said for english, said in words.items() if marked(english) != marked(said)}

    assert differing == {}


def test_help_has_no_markup_that_a_terminal_would_swallow() -> None:
    typers_own = {"[OPTIONS]", "COMMAND [ARGS]...", "[default: {}]", "[env var: {}]", "[required]"}

    assert {english for english, said in load_words("help").items() if "[" in said} == typers_own


def sentences_of_commands() -> Iterator[str]:
    """Yield what the code of the commands says of values that cannot be used, with {} for facts."""
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Attribute(attr="BadParameter"), [ast.Constant(str(said)), *_]):
                    yield said
                case ast.Call(ast.Attribute(attr="BadParameter"), [ast.JoinedStr(parts), *_]):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
                    )


def test_all_that_commands_say_of_values_is_in_vietnamese_too_and_nothing_is_left_over() -> None:
    words = tomllib.loads((SOURCES / "help_vi.toml").read_text("utf-8"))
    without_words = {"{}: {}"}

    assert {*sentences_of_commands()} - without_words == words["usage"]["claims"].keys()


#: What is given, by what is said of it.
_GIVEN = {
    "lỗi: thiếu tham số 'inputs'.": "check",
    "lỗi: thiếu tùy chọn '--name'.": "keys request",
    "lỗi: thiếu tùy chọn '--role'. Chọn một trong:\n\tcheck,\n\tdeliver,\n\ttell": "worker",
    "lỗi: không có lệnh 'chek'. Có phải ý bạn là 'check', 'schema'?": "chek",
    "lỗi: không có lệnh 'xyz'.": "facility xyz",
    "lỗi: không có tùy chọn --langage": "serve --langage vi",
    "lỗi: không có tùy chọn --langage (có thể là: --language)": "diff --langage vi",
    "lỗi: thừa tham số (extra)": "migrate extra",
    "lỗi: tùy chọn '--json' không nhận giá trị.": "serve --json=1",
    "lỗi: tùy chọn '--port' cần một giá trị.": "serve --port",
    "lỗi: giá trị của '--port' không dùng được: phải là số nguyên": "serve --port x",
    "lỗi: giá trị của '--port' không dùng được: phải từ 0 trở lên": "serve --port -1",
    "lỗi: giá trị của '--port' không dùng được: phải từ 65535 trở xuống": "serve --port 65536",
    "lỗi: giá trị của '--every' không dùng được: phải là số": "watch . --every x",
    "lỗi: giá trị của '--on' / '--date' không dùng được: 'x' không theo dạng '%Y-%m-%d'.": (
        "schema list --on x"
    ),
    "lỗi: giá trị của '--role' không dùng được: 'x' không phải là một trong 'check', 'deliver', 'tell'.": (
        "worker --role x"
    ),
    "lỗi: giá trị của '--trust' không dùng được: không có thư mục '/none'.": "verify x --trust /none",
    "lỗi: giá trị của --language không dùng được: vi hoặc en": "check x --language fr",
    "lỗi: giá trị của --table không dùng được: X không thuộc XML0 đến XML15": "inspect x --table X",
    "": "facility",
}


@pytest.mark.parametrize("said", _GIVEN)
def test_what_was_given_wrong_is_said_in_vietnamese_with_its_facts(said: str) -> None:
    with pytest.raises(TyperException) as caught:
        get_command(app).main(_GIVEN[said].split(), standalone_mode=False)

    assert describe_usage(caught.value, "vi") == said
    assert describe_usage(caught.value, "en").startswith("error: ") == bool(said)


def test_what_is_not_known_in_vietnamese_stays_english() -> None:
    error = typer.BadParameter("{0} has host bits set", param_hint="--network")

    said = describe_usage(error, "vi")

    assert said == "lỗi: giá trị của --network không dùng được: {0} has host bits set"


def test_sentences_have_the_facts_of_the_english_ones() -> None:
    for english, said in load_words("usage").items():
        names = [name for _, name, _, _ in string.Formatter().parse(said) if name is not None]

        assert len(names) == english.count("{}")


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        pytest.param(None, {}, "en", id="nothing-is-known"),
        pytest.param(None, {"LANG": "vi_VN.UTF-8"}, "vi", id="locale"),
        pytest.param(None, {"LANG": "en_US.UTF-8"}, "en", id="another-locale"),
        pytest.param(None, {"LC_MESSAGES": "vi_VN", "LANG": "en_US"}, "vi", id="messages-before-all-else"),
        pytest.param(None, {"LC_ALL": "C", "LANG": "vi_VN"}, "en", id="one-for-all"),
        pytest.param(None, {"LC_ALL": "", "LANG": "vi_VN"}, "vi", id="an-empty-one-is-not-set"),
        pytest.param("en", {"LANG": "vi_VN"}, "en", id="asked-for"),
        pytest.param("vi", {"LANG": "en_US"}, "vi", id="asked-for-vietnamese"),
        pytest.param("fr", {"LANG": "vi_VN"}, "vi", id="asked-for-what-there-is-not"),
    ],
)
def test_the_language_asked_for_comes_before_the_terminals(
    asked: str | None, environment: Mapping[str, str], language: str
) -> None:
    assert reading_language(asked, environment) == language


@pytest.mark.parametrize(
    ("arguments", "rest", "asked"),
    [
        pytest.param("check -h", "check -h", None, id="none"),
        pytest.param("check --language vi -h", "check -h", "vi", id="beside-it"),
        pytest.param("--lang=en --help", "--help", "en", id="in-one"),
        pytest.param("check -h --language", "check -h", None, id="without-a-value"),
        pytest.param("check -h -- --language vi", "check -h -- --language vi", None, id="names-of-files"),
    ],
)
def test_a_language_is_taken_from_among_the_arguments(arguments: str, rest: str, asked: str | None) -> None:
    assert without_language(arguments.split()) == (rest.split(), asked)

"""Help, and what a command was given wrong, in the reader's language.

English is what the code says; `help_vi.toml` has the Vietnamese for it.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

if TYPE_CHECKING:
    from typer._click import Command

NAMES: Final = ("-h", "--help")
_LANGUAGE_NAMES: Final = frozenset({"--language", "--lang"})
_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts (POSIX, 8.2)


def without_language(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Return arguments without the language, which not every command has, and the one that they ask for."""
    asked: str | None = None
    rest, left = list[str](), iter(arguments)
    for argument in left:
        name, equals, value = argument.partition("=")
        if argument == "--":
            return [*rest, argument, *left], asked
        if name in _LANGUAGE_NAMES:
            asked = value if equals else next(left, None)
        else:
            rest.append(argument)
    return rest, asked


def reading_language(asked: str | None, environment: Mapping[str, str]) -> str:
    """Return the language of help: the one asked for, else the terminal's, English for all but Vietnamese."""
    if asked in {"vi", "en"}:
        return asked
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    return "vi" if locale.startswith("vi") else "en"


class HelpContext(typer.Context):
    """A command that runs; it is made with the language of its help as `obj`."""

    def get_help(self) -> str:
        """Show the help of the command, and return what is left of it to print."""
        if self.obj == "vi":
            _translate(self)
        return super().get_help()


def load_words(part: Literal["help", "usage"]) -> Mapping[str, str]:
    """Return what help, or a sentence about what was given wrong, is in Vietnamese, by its English."""
    import tomllib
    from importlib import resources

    text = resources.files("claims.cli").joinpath("help_vi.toml").read_text(encoding="utf-8")
    return {
        english: words for table in tomllib.loads(text)[part].values() for english, words in table.items()
    }


def describe_usage(error: TyperException, language: str) -> str:
    """Return what was given wrong, in a sentence; there is none where help was shown instead.

    A fact that has no words in Vietnamese stays English.
    """
    # What is none of a few words is told by pydantic, which says first that it was a ValueError.
    said = error.format_message().replace("Value error, ", "")
    sentence = f"error: {said}" if said else ""
    return _in_vietnamese(sentence, load_words("usage")) if language == "vi" else sentence


def _in_vietnamese(sentence: str, words: Mapping[str, str]) -> str:
    for english, vietnamese in words.items():
        pattern = re.escape(english).replace(r"\{\}", "(.+?)")
        if found := re.fullmatch(pattern, sentence, re.DOTALL):
            return vietnamese.format(*(_in_vietnamese(fact, words) for fact in found.groups()))
    return sentence


def paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a help text, each on one line."""
    parts = inspect.cleandoc(text or "").split("\n\n")
    return [" ".join(part.split()) for part in parts if part.strip()]


def _translate(context: typer.Context) -> None:
    """Say in Vietnamese what the help of this one command shows; the process ends with it."""
    from typer import rich_utils
    from typer._click import HelpFormatter

    words, command = load_words("help"), context.command

    def said(text: str | None) -> str:
        return "\n\n".join(words.get(part, part) for part in paragraphs(text))

    class Formatter(HelpFormatter):
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or words["Usage: "])

    context.formatter_class = Formatter
    rich_utils.DEFAULT_STRING = said(rich_utils.DEFAULT_STRING)
    rich_utils.ENVVAR_STRING = said(rich_utils.ENVVAR_STRING)
    rich_utils.REQUIRED_LONG_STRING = said(rich_utils.REQUIRED_LONG_STRING)
    shown: list[Command | None] = [command]
    if isinstance(command, TyperGroup):
        command.subcommand_metavar = said(command.subcommand_metavar)
        shown += [command.get_command(context, name) for name in command.list_commands(context)]
    command.options_metavar = said(command.options_metavar)
    for each in shown:
        if isinstance(each, TyperCommand | TyperGroup):
            each.help = said(each.help)
            each.rich_help_panel = said(each.rich_help_panel or rich_utils.COMMANDS_PANEL_TITLE)
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperArgument | TyperOption):
            is_argument = isinstance(parameter, TyperArgument)
            title = rich_utils.ARGUMENTS_PANEL_TITLE if is_argument else rich_utils.OPTIONS_PANEL_TITLE
            parameter.help = said(parameter.help)
            parameter.rich_help_panel = said(parameter.rich_help_panel or title)
            if isinstance(parameter.show_default, str):
                parameter.show_default = said(parameter.show_default)

"""What administrators are told on the server itself, in either language."""

import inspect
import string
from importlib import import_module

import pytest
import typer

from claims.cli import admin_words
from claims.cli.admin_words import sentence, speaking
from claims.exchange.access.errors import PersonNotFound
from claims.exchange.errors import UnknownFacility

#: Where the commands of administrators and operators are, and those that say nothing of their own.
GROUPS = {
    "admin": ("facilities", "keys"),
    "clients": ("clients",),
    "registrations": ("certificates",),
    "people": ("people", "roles"),
    "content_keys": ("content_keys",),
    "content_store": ("content_store",),
    "proofs": ("evidence_keys",),
}
SILENT = {"list_facilities", "certificate"}


def facts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", sorted(admin_words._SENTENCES))
def test_both_sentences_say_the_same_facts(code: str) -> None:
    vietnamese, english = admin_words._SENTENCES[code]

    assert facts_of(vietnamese) == facts_of(english)
    assert vietnamese != english


@pytest.mark.parametrize(
    ("module", "group"), [(module, group) for module, groups in GROUPS.items() for group in groups]
)
def test_every_command_that_says_something_takes_a_language(module: str, group: str) -> None:
    commands = getattr(import_module(f"claims.cli.{module}"), group).registered_commands
    called = [command.callback for command in commands if command.callback is not None]

    assert called
    for command in called:
        assert ("language" in inspect.signature(command).parameters) == (command.__name__ not in SILENT)


@pytest.mark.parametrize(
    ("error", "vietnamese", "english"),
    [
        pytest.param(
            UnknownFacility("79001"),
            "lỗi: cơ sở 79001 chưa được đăng ký",
            "error: facility 79001 is not registered",
            id="facility",
        ),
        pytest.param(
            PersonNotFound("lan"),
            "lỗi: không có ai tên lan",
            "error: there is nobody called lan",
            id="person",
        ),
    ],
)
def test_what_cannot_be_done_is_told_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], error: Exception, vietnamese: str, english: str
) -> None:
    said = []
    for language in ("vi", "en"):
        with pytest.raises(typer.Exit) as ended, speaking(language):
            raise error
        said.append(capsys.readouterr().err.strip())
        assert ended.value.exit_code == 1

    assert said == [vietnamese, english]


def test_a_sentence_has_its_facts() -> None:
    assert sentence("facility.added", "vi", code="79001") == "đã đăng ký cơ sở 79001"
    assert sentence("facility.added", "en", code="79001") == "facility 79001 is registered"

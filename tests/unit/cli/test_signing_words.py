"""Whatever keeps a document from being signed is said in both languages."""

from collections.abc import Iterator

import pytest
import typer

from claims.authorities.errors import AuthorityUnreachable
from claims.cli.output import Exit
from claims.cli.signing_words import describe_failure, describe_unreadable, speaking
from signing import errors
from signing.canonical import parse
from signing.errors import Obstacle, SigningError
from signing.verdict import Reason

MADE: dict[type[SigningError], SigningError] = {
    errors.Unparsable: errors.Unparsable("doctype", "a document type"),
    errors.TrustStoreUnreadable: errors.TrustStoreUnreadable("trust", "is none"),  # type: ignore[arg-type]
    errors.PolicyUnreadable: errors.PolicyUnreadable("keys", "is none"),
    errors.MissingContainer: errors.MissingContainer("CHUKYDONVI", 2),
    errors.ContainerNotEmpty: errors.ContainerNotEmpty("CHUKYDONVI"),
    errors.CannotExtend: errors.CannotExtend(Obstacle.PLAIN),
    errors.CannotSignFor: errors.CannotSignFor(Reason.CERTIFICATE_EXPIRED, "it ended"),
    errors.OtherKeyFile: errors.OtherKeyFile("the file is not PKCS#12", errors.FileKind.BASE64),
    errors.TimestampRejected: errors.TimestampRejected(2, frozenset(), "no"),
    errors.TokenFailed: errors.TokenFailed("the token did not sign", "DeviceRemoved"),
}
#: Errors that neither signing nor verifying meets.
ELSEWHERE = {errors.FolderNotEmpty, errors.CanonicalizationFailed}


def leaves(kind: type[SigningError]) -> Iterator[type[SigningError]]:
    below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    for each in below:
        yield from leaves(each)
    if not below:
        yield kind


@pytest.mark.parametrize("kind", [each for each in leaves(SigningError) if each not in ELSEWHERE])
def test_every_error_of_signing_has_its_words(kind: type[SigningError]) -> None:
    error = MADE[kind] if kind in MADE else kind("as the library says")

    said = describe_failure(error, "vi")

    assert not said.startswith(str(error))
    assert not said.isascii()
    assert "{" not in said
    assert describe_failure(error, "en") == str(error)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_lacks_evidence_is_named_with_who_issued_it(language: str) -> None:
    error = errors.CannotExtend(Obstacle.EVIDENCE_MISSING, lacking=[("CN=Phòng khám", "CN=Sub CA")])

    said = describe_failure(error, language)

    assert "CN=Phòng khám" in said
    assert "CN=Sub CA" in said


@pytest.mark.parametrize("found", errors.FileKind)
def test_whatever_was_given_for_a_key_file_is_said_in_either_language(found: errors.FileKind) -> None:
    error = errors.OtherKeyFile("the file is not PKCS#12", found)

    assert str(found) not in describe_failure(error, "vi")
    assert str(found) in describe_failure(error, "en")


@pytest.mark.parametrize("reason", [Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID])
def test_whose_certificate_is_out_of_date_is_told_what_to_sign_with(reason: Reason) -> None:
    assert "hãy ký bằng" in describe_failure(errors.CannotSignFor(reason, "it ended"), "vi")


def test_what_a_token_said_is_told_in_either_language() -> None:
    assert "DeviceRemoved" in describe_failure(MADE[errors.TokenFailed], "vi")


def test_what_cannot_be_read_is_said_in_either_language() -> None:
    error = MADE[errors.Unparsable]
    assert isinstance(error, errors.Unparsable)

    assert describe_unreadable(error, "vi").endswith("điều này bị cấm (doctype).")
    assert describe_unreadable(error, "en") == "cannot be read: doctype: a document type"


@pytest.mark.parametrize(("language", "words"), [("vi", "dòng 1, cột 1"), ("en", "seem to be a ZIP archive")])
def test_what_is_no_xml_is_told_what_it_seems_to_be(language: str, words: str) -> None:
    data = b"PK\x03\x04"
    with pytest.raises(errors.Unparsable) as refused:
        parse(data)

    said = describe_unreadable(refused.value, language, data)

    assert words in said
    assert "ZIP" in said
    assert ("Start tag" in said) == (language == "en")


@pytest.mark.parametrize(("language", "word"), [("vi", "lỗi: không có câu trả lời"), ("en", "error: http:")])
def test_what_ends_a_command_keeps_its_exit_code(
    language: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, speaking(language):
        raise AuthorityUnreachable("http://tsa.example/", "no answer")

    assert ended.value.exit_code == Exit.UNREACHABLE
    assert word in capsys.readouterr().err

"""Bytes become messages: framing, delimiters, character sets, escapes."""

import pytest

from claims.emr.hl7.framing import split_messages
from claims.emr.hl7.message import Message, parse_message
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.reading import read_hl7
from tests.unit.emr.hl7.messages import ARRIVAL, DEPARTURE, codes, msg, pv1, seg

OPTIONS = Hl7Options()


def parse(text: str | bytes) -> Message:
    data = text.encode() if isinstance(text, str) else text
    return parse_message(data, number=1, reading=OPTIONS)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ARRIVAL + DEPARTURE, id="one-after-the-other"),
        pytest.param(ARRIVAL.replace(b"\r", b"\n") + b"\n\n" + DEPARTURE.replace(b"\r", b"\n"), id="LF"),
        pytest.param((ARRIVAL + DEPARTURE).replace(b"\r", b"\r\n"), id="CRLF"),
        pytest.param(b"\x0b" + ARRIVAL + b"\x1c\r\x0b" + DEPARTURE + b"\x1c\r", id="MLLP"),
        pytest.param(b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + ARRIVAL + DEPARTURE + b"BTS|2\rFTS|1\r", id="batch"),
        pytest.param(b"\xef\xbb\xbf" + ARRIVAL + b"\r\n" + DEPARTURE, id="byte-order-mark"),
    ],
)
def test_every_frame_gives_the_same_messages(data: bytes) -> None:
    pieces = list(split_messages(data))

    assert [piece.data.split(b"|")[8] for piece in pieces] == [b"ADT^A04", b"ADT^A03"]
    assert not read_hl7(data).refused
    assert read_hl7(data).encounters[0].encounter.discharged == "202611020945"


def test_the_mark_for_what_was_cut_off_of_version_2_7_is_no_mark_of_a_field() -> None:
    data = (ARRIVAL + DEPARTURE).replace(b"^~\\&|", b"^~\\&#|").replace(b"|2.5\r", b"|2.8\r")

    found = read_hl7(data)

    assert (found.refused, found.encounters[0].patient.id) == ((), "BN1")


def test_a_frame_without_an_end_is_refused_because_a_line_may_be_missing() -> None:
    found = read_hl7(b"\x0b" + ARRIVAL + b"\x1c\r\x0b" + DEPARTURE)

    assert [refusal.code for refusal in found.refused] == ["frame-without-end"]
    assert found.encounters[0].encounter.discharged is None


def test_headers_without_a_message_are_refused_and_of_many_the_rest_is_counted() -> None:
    header = ARRIVAL.partition(b"\r")[0] + b"\r"

    found = read_hl7(ARRIVAL + header * 1003 + DEPARTURE)

    assert [one.code for one in found.refused] == ["header-alone"] * 1000 + ["more-problems"]
    assert found.refused[-1].detail.startswith("3 more messages")
    assert found.encounters[0].encounter.discharged is not None


@pytest.mark.parametrize(
    ("trailer", "codes_of_refusals"),
    [
        pytest.param(b"BTS|3\r", ["batch-incomplete"], id="one-is-missing"),
        pytest.param(b"BTS|1\r", ["batch-incomplete"], id="one-too-many"),
        pytest.param(b"BTS|2|end\r", [], id="right"),
        pytest.param(b"BTS||end\r", [], id="not-said"),
        pytest.param(b"BTS\r", [], id="bare"),
        pytest.param(b"BTS|all\r", [], id="no-number"),
    ],
)
def test_a_batch_that_holds_another_number_than_it_says_is_refused_and_the_rest_goes_on(
    trailer: bytes, codes_of_refusals: list[str]
) -> None:
    found = read_hl7(b"BHS|^~\\&|A\r" + ARRIVAL + DEPARTURE + trailer)

    assert [refusal.code for refusal in found.refused] == codes_of_refusals
    assert len(found.encounters) == 1


def test_each_batch_counts_its_own_messages() -> None:
    found = read_hl7(b"BHS|^~\\&\r" + ARRIVAL + b"BTS|1\rBHS|^~\\&\r" + DEPARTURE + b"BTS|1\rFTS|2\r")

    assert found.refused == ()


@pytest.mark.parametrize(
    ("trailer", "codes_of_refusals"),
    [
        pytest.param(b"FTS|3\r", ["file-incomplete"], id="one-is-missing"),
        pytest.param(b"FTS|2|end\r", [], id="right"),
        pytest.param(b"FTS\r", [], id="not-said"),
        pytest.param(b"FTS|2\rFHS|^~\\&\rBHS|^~\\&\rBTS|0\rFTS|1\r", [], id="each-file-its-own"),
    ],
)
def test_a_file_that_holds_another_number_of_batches_than_it_says_is_refused(
    trailer: bytes, codes_of_refusals: list[str]
) -> None:
    batches = b"FHS|^~\\&\rBHS|^~\\&\r" + ARRIVAL + b"BTS|1\rBHS|^~\\&\r" + DEPARTURE + b"BTS|1\r"

    found = read_hl7(batches + trailer)

    assert [refusal.code for refusal in found.refused] == codes_of_refusals
    assert len(found.encounters) == 1


def test_a_file_without_batches_may_count_what_it_likes() -> None:
    assert read_hl7(b"FHS|^~\\&\r" + ARRIVAL + DEPARTURE + b"FTS|2\r").refused == ()


@pytest.mark.parametrize("said", ["windows-1258", "CP1258"])
def test_the_code_page_of_viet_nam_is_read_and_its_letters_composed(said: str) -> None:
    # In windows-1258 the tone follows its letter: e with circumflex, then the mark.
    name = "Nguy\u00ea\u0303n^V\u0103n Th\u01b0\u0309".encode("cp1258")
    arrival = ARRIVAL.replace(b"PID|||BN1^^^BV^MR", b"PID|||BN1^^^BV^MR||" + name)
    header = arrival.split(b"\r")[0]

    found = read_hl7([arrival.replace(header, header + b"||||||" + said.encode()), DEPARTURE])

    assert found.encounters[0].patient.name == "Nguyễn Văn Thử"


def test_messages_for_training_are_said_once() -> None:
    found = read_hl7([ARRIVAL.replace(b"|P|", b"|T|"), DEPARTURE.replace(b"|P|", b"|D|")])

    assert [(oddity.pointer, oddity.code) for oddity in found.oddities] == [
        ("ADT^A04 A1/MSH[1]-11", "not-production")
    ]


def test_bytes_that_are_no_message_are_refused_and_the_rest_goes_on() -> None:
    found = read_hl7(b"hello\r\n" + ARRIVAL)

    assert [refusal.code for refusal in found.refused] == ["not-a-message"]
    assert len(found.encounters) == 1


def test_delimiters_are_those_that_the_message_declares() -> None:
    message = parse("MSH*:%!;*HIS**A;B\rPID***1:2;3%4\r")

    assert message.segments[1].text(3, 1) == "1"
    assert message.segments[1].text(3, 2, 2) == "3"
    assert [value.part(1) for value in message.segments[1].values(3)] == ["1", "4"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b\T\c\R\d\E\e", "a^b&c~d\\e"),
        (r"one\.br\two", "one\ntwo"),
        (r"\H\bold\N\ text", "bold text"),
        (r"\X41\\XC3A9\ ", "Aé"),
        pytest.param(r"Vi\XE1\\XBB\\X87\t", "Việt", id="each-byte-on-its-own"),
        pytest.param(r"\C2842\An", "An", id="back-to-ASCII"),
        pytest.param(r"no \P\1", "no #1", id="truncation"),
        (r"C:\dir\unknown", r"C:\dir\unknown"),
        ("Việt", "Việt"),
    ],
)
def test_escapes_are_replaced_and_letters_composed(written: str, meant: str) -> None:
    message = parse(f"MSH|^~\\&|\rNTE|1||{written}\r")

    assert message.segments[1].text(3) == meant


@pytest.mark.parametrize("escape", ["\\X4\\", "\\XZZ\\", "\\Z01\\", "\\DATA\\"])
def test_an_escape_that_means_nothing_stays_and_is_said(escape: str) -> None:
    data = msg("ADT^A08", "M2", "20261102080000", pv1(), seg("NTE", {3: f"a{escape}b"}))

    found = read_hl7([ARRIVAL, data])

    assert parse(data).segments[-1].text(3) == f"a{escape}b"
    assert [one.pointer for one in found.oddities if one.code == "escape-not-read"] == ["ADT^A08 M2/NTE[1]-3"]


@pytest.mark.parametrize("escape", ["\\C2D4C\\", "\\M2442\\", "\\M242844\\"])
def test_a_switch_to_another_character_set_is_refused(escape: str) -> None:
    data = msg("ADT^A08", "M2", "20261102080000", pv1(), seg("NTE", {3: f"{escape}b"}), f18="8859/1")

    found = read_hl7([ARRIVAL, data])

    assert [(one.code, one.pointer) for one in found.refused] == [("not-in-charset", "ADT^A08 M2/NTE[1]-3")]


def test_a_switch_to_the_character_set_of_the_message_changes_nothing() -> None:
    data = msg("ADT^A08", "M2", "20261102080000", seg("NTE", {3: r"\C2D41\X"}), f18="8859/1")

    assert parse(data).segments[-1].text(3) == "X"


def test_a_null_and_an_empty_field_read_as_nothing_but_differ() -> None:
    message = parse('MSH|^~\\&|\rPID|""||\r')

    assert message.segments[1].text(1) == message.segments[1].text(2) == ""
    assert message.segments[1].raw(1) != message.segments[1].raw(2)


@pytest.mark.parametrize("charset", ["WINDOWS-1258", "8859/1"])
def test_utf_8_under_another_name_is_refused_unless_the_options_say_so(charset: str) -> None:
    named = msg("ADT^A08", "M2", "20261102080000", pv1(), seg("NTE", {3: "Nguyễn"}), f18=charset)
    options = Hl7Options(charsets={charset: "utf-8"})

    found, corrected = read_hl7([ARRIVAL, named]), read_hl7([ARRIVAL, named], options=options)

    assert [(one.code, one.pointer) for one in found.refused] == [("not-in-charset", "message 2/MSH[1]-18")]
    assert corrected.refused == ()


def test_a_line_that_begins_no_segment_belongs_to_the_text_before_it() -> None:
    data = msg("ADT^A08", "M2", "20261102080000", pv1(), seg("NTE", {3: "first\nsecond"}))

    found = read_hl7([ARRIVAL, data])

    assert "line-inside-a-field" in codes(found)
    assert parse(data).segments[-1].text(3) == "first\nsecond"


@pytest.mark.parametrize(
    ("charset", "text", "code"),
    [
        ("", "Nguyễn".encode("cp1258", "replace") + b"\xff", "not-in-charset"),
        ("ASCII", "é".encode(), "not-in-charset"),
        ("KLINGON", b"a", "unknown-charset"),
        ("", b"a\x01b", "control-character"),
        ("", b"a\\X1B\\b", "control-character"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_its_place_and_nothing_else(
    charset: str, text: bytes, code: str
) -> None:
    bad = msg("ADT^A08", "M2", "20261102080000", pv1(), seg("NTE", {3: "@"}), f18=charset).replace(b"@", text)

    found = read_hl7([ARRIVAL, bad, DEPARTURE])

    assert [refusal.code for refusal in found.refused] == [code]
    assert ("NTE[1]-3" in found.refused[0].reason) == (code != "unknown-charset")
    assert found.encounters[0].encounter.discharged is not None


def test_the_options_say_what_a_wrongly_declared_character_set_is() -> None:
    options = Hl7Options(charsets={"ASCII": "utf-8"})
    data = msg("ADT^A04", "M", "20261102080000", seg("PID", {3: "BN1", 5: "Đỗ^An"}), pv1(), f18="ASCII")

    assert read_hl7(data, options=options).encounters[0].patient.name == "Đỗ An"


@pytest.mark.parametrize("head", [b"MSH", b"MSH|", b"MSH|||", b"MSH|^^~&|", b"MSH|.~\\&|", b"MSH|^~\\&"])
def test_any_head_is_read_or_refused(head: bytes) -> None:
    assert not read_hl7(head).encounters


@pytest.mark.attack
def test_a_message_beyond_the_bounds_is_refused() -> None:
    options = Hl7Options(max_message_bytes=1000, max_segments=10)
    long = ARRIVAL + b"NTE|1||" + b"a" * 1000
    many = ARRIVAL + b"NTE|1\r" * 20

    assert [r.code for r in read_hl7([long, many], options=options).refused] == ["too-large", "too-large"]

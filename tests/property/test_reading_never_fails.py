"""Whatever bytes arrive, a check and a look at them end with findings, and a comparison with an answer."""

from datetime import date
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from claims.bundle.comparison import Change, compare
from claims.bundle.contents import read_contents
from claims.bundle.kinds import TableKind
from claims.bundle.messages import LANGUAGES, describe
from claims.bundle.views import view_table
from claims.checking.check import check_bundle
from tests.unit.checking.bundles import AT, a_bundle, a_claim, a_file, a_row, a_table, an_envelope, rows_of

TODAY: Final = date(2026, 1, 1)
XML2: Final = TableKind.XML2
TABLE: Final = a_table(XML2, *rows_of(XML2, 2))
BUNDLE: Final = an_envelope(a_file("XML2", TABLE))
PIECES: Final = st.sampled_from(
    [
        b"", b"<", b">", b"&", b"\x00", b"\xff", b"\xef\xbb\xbf", b"<A/>", b"<MA_LK>", b"</MA_LK>", b"1,5",
        b"<DON_GIA>1e9", b"<![CDATA[", b"]]>", b"<!-- -->", b' xmlns="x"', b' xsi:nil="1"', "ế".encode(),
        b"<HOSO/>", b"xml12",
    ]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a bundle that something happened to, outside or inside its table."""
    original = draw(st.sampled_from([BUNDLE, TABLE]))
    data = original
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        data = data[:start] + draw(st.one_of(PIECES, st.binary(max_size=8))) + data[end:]
    return an_envelope(a_file("XML2", data)) if original is TABLE and draw(st.booleans()) else data


@given(damaged())
def test_damaged_bytes_are_answered_with_findings(data: bytes) -> None:
    for finding in check_bundle(data, at=AT).findings:
        assert all(describe(finding, language) for language in LANGUAGES)


@given(damaged())
def test_damaged_bytes_are_shown_as_far_as_they_go_and_equal_themselves(data: bytes) -> None:
    contents = read_contents(data, today=TODAY)

    for claim in contents.claims:
        for table in claim.tables:
            view = view_table(table, on=claim.on, language="vi")
            assert all(len(row) == len(view.columns) for row in view.rows)
    assert compare(contents, contents).is_equal


MEDICINES: Final = st.lists(
    st.fixed_dictionaries(
        {
            "MA_THUOC": st.sampled_from(["40.1", "40.2"]),
            "TEN_THUOC": st.sampled_from(["A", "B"]),
            "NGAY_YL": st.sampled_from(["202508010800", "202508020800"]),
            "SO_LUONG": st.sampled_from(["1", "2", "2.0"]),
        }
    ),
    min_size=1,
    max_size=6,
)


@given(MEDICINES, MEDICINES)
def test_every_row_of_both_versions_is_accounted_for_once(
    old: list[dict[str, str]], new: list[dict[str, str]]
) -> None:
    before, after = (
        read_contents(
            a_bundle(
                {
                    **a_claim(),
                    XML2: [a_row(XML2, **row, STT=str(place)) for place, row in enumerate(rows, start=1)],
                }
            ),
            today=TODAY,
        )
        for rows in (old, new)
    )

    there, back = compare(before, after), compare(after, before)

    assert there.is_equal == back.is_equal
    (claim,) = there.claims
    rows = [row for table in claim.tables if table.kind is XML2 for row in table.rows]
    same = next((table.same for table in claim.tables if table.kind is XML2), len(old))
    assert same + sum(row.old is not None for row in rows) == len(old)
    assert same + sum(row.new is not None for row in rows) == len(new)
    assert all((row.change is Change.ADDED) == (row.old is None) for row in rows)

"""A signature over the whole document may state its time beside it, as tools in Vietnam do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, parse
from signing.demo_pki import FacilityKey
from signing.policy import XMLDSIG
from signing.trust import TrustStore
from signing.verdict import Level
from signing.verify import WHOLE_DOCUMENT, verify
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import BUNDLE, DAY, ENVELOPED, NOW
from tests.unit.signing.forging import OBJECT, PROPERTY, STATEMENT_REFERENCE, forge, reference, template

WHOLE = reference("", ENVELOPED.replace("P:", ""))
IN_NAMESPACE = OBJECT.replace(' xmlns=""', "")
FOREIGN_TIME = OBJECT.replace(
    "<SigningTime>", '<SigningTime xmlns="http://example.org/#signatureProperties" Id="T">'
)


def typed(uri: str, kind: str) -> str:
    return reference(uri, attributes=f' Type="{XMLDSIG}{kind}"')


def aimed(target: str) -> str:
    return OBJECT.replace('Target="#S"', f'Target="{target}"')


@pytest.mark.parametrize(
    ("references", "statement"),
    [
        pytest.param(WHOLE + STATEMENT_REFERENCE, OBJECT, id="object"),
        pytest.param(STATEMENT_REFERENCE + WHOLE, OBJECT, id="object-first"),
        pytest.param(WHOLE + STATEMENT_REFERENCE, IN_NAMESPACE, id="in-the-namespace"),
        pytest.param(WHOLE + STATEMENT_REFERENCE, FOREIGN_TIME, id="foreign-time"),
        pytest.param(WHOLE + reference("#SP"), OBJECT, id="property"),
        pytest.param(
            WHOLE + reference("#proid"),
            IN_NAMESPACE.replace("<SignatureProperties>", '<SignatureProperties Id="proid">'),
            id="properties",
        ),
        pytest.param(
            WHOLE + reference("#O", f'<Transform Algorithm="{C14N_1_0}"/>'), OBJECT, id="canonicalised"
        ),
        pytest.param(
            WHOLE + reference("#O", f'<Transform Algorithm="{C14N_EXCLUSIVE}"/>'), OBJECT, id="exclusive"
        ),
        pytest.param(WHOLE + reference("#T"), FOREIGN_TIME, id="time-alone"),
        pytest.param(WHOLE + typed("#O", "Object"), OBJECT, id="object-by-type"),
        pytest.param(WHOLE + typed("#SP", "SignatureProperties"), OBJECT, id="property-by-type"),
        pytest.param(WHOLE + STATEMENT_REFERENCE, aimed(""), id="no-target"),
        pytest.param(WHOLE + STATEMENT_REFERENCE, aimed("#"), id="empty-target"),
        pytest.param(WHOLE + STATEMENT_REFERENCE, aimed("signatureProperties"), id="a-word-as-target"),
    ],
)
def test_it_is_verified(references: str, statement: str, facility: FacilityKey, trust: TrustStore) -> None:
    signed = forge(facility, template(references, statement), BUNDLE)

    verdict = verify(parse(signed), trust=trust, at=NOW, source=signed)

    assert verdict.reasons == ()
    assert verdict.scope == WHOLE_DOCUMENT
    assert verdict.level is Level.PLAIN
    assert verdict.signing_time == datetime(2026, 6, 1, 14, 59, tzinfo=timezone(timedelta(hours=7)))


def test_where_the_target_names_nothing_the_signature_needs_no_name(
    facility: FacilityKey, judge: Judge
) -> None:
    assert judge(
        forge(facility, template(WHOLE + STATEMENT_REFERENCE, aimed(""), signature=""), BUNDLE)
    ).has_passed


@pytest.mark.parametrize(
    "text", ["2026-06-01 14:59:00", "01/06/2026 14:59:00", "2026-06-01T14:59:00.0000000"]
)
def test_a_time_may_be_written_as_tools_in_vietnam_do(text: str, facility: FacilityKey, judge: Judge) -> None:
    statement = OBJECT.replace("2026-06-01T14:59:00", text)

    verdict = judge(forge(facility, template(WHOLE + STATEMENT_REFERENCE, statement), BUNDLE))

    assert verdict.reasons == ()
    assert verdict.signing_time == datetime(2026, 6, 1, 14, 59, tzinfo=timezone(timedelta(hours=7)))


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-06-01T14:59:00Z", 14), ("2026-06-01T14:59:00.5+07:00", 7)], ids=["utc", "zone"]
)
def test_a_time_may_have_a_zone(text: str, hour: int, facility: FacilityKey, trust: TrustStore) -> None:
    statement = OBJECT.replace(PROPERTY, PROPERTY.replace("2026-06-01T14:59:00", text))
    signed = forge(facility, template(WHOLE + STATEMENT_REFERENCE, statement), BUNDLE)

    claimed = verify(parse(signed), trust=trust, at=NOW).signing_time

    assert claimed is not None
    assert (claimed.tzinfo, claimed.hour) == (UTC, hour)


def test_a_stated_time_proves_nothing(facility: FacilityKey, trust: TrustStore) -> None:
    signed = forge(facility, template(WHOLE + STATEMENT_REFERENCE), BUNDLE)

    verdict = verify(parse(signed), trust=trust, at=NOW + 40 * DAY)

    assert not verdict.has_passed
    assert verdict.best_signature_time is None

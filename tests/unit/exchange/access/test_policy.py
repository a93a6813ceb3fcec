"""The table of rights makes sense, and a caller may what it says, where it says."""

import pytest

from claims.errors import ClaimsError
from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import EVERYWHERE, NATION, Place, PlaceKind, Reach
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Grant, Principal, PrincipalKind

POLICY = load_policy()
HIV = "record.hiv.read"


def person(*grants: tuple[str, str]) -> Principal:
    given = frozenset(Grant(role, Place(place)) for role, place in grants)
    return Principal("usr_1", PrincipalKind.PERSON, given)


def test_the_scopes_of_keys_are_those_of_the_table() -> None:
    assert {role.name for role in POLICY.roles.values() if role.is_machine} == set(Scope)


def test_every_action_and_role_has_a_sentence_in_both_languages() -> None:
    sentences = [
        *(action.sentence for action in POLICY.actions.values()),
        *(role.sentence for role in POLICY.roles.values()),
        *(record_class.sentence for record_class in POLICY.classes.values()),
    ]

    assert all(set(sentence) == {"vi", "en"} and all(sentence.values()) for sentence in sentences)


def test_a_role_counts_in_its_place_and_nowhere_else() -> None:
    reviewer = person(("reviewer", "79"))

    assert reviewer.may("claim.decide", "79001")
    assert not reviewer.may("claim.decide", "01001")
    assert reviewer.allowed("claim.decide").within == Reach.of(Place("79"))


def test_two_roles_are_not_mixed() -> None:
    both = person(("hospital", "99001"), ("auditor", "79"))

    assert both.may("submission.submit", "99001")
    assert not both.may("submission.submit", "79001")
    assert both.allowed("submission.read").within == Reach.of(Place("79"), Place("99001"))


def test_what_nobody_gave_is_refused() -> None:
    with pytest.raises(AccessDenied, match=r"claim\.decide"):
        person(("hospital", "99001")).allowed("claim.decide")


@pytest.mark.parametrize(
    ("caller", "lacks", "needs"),
    [
        pytest.param(
            Principal("key_1", PrincipalKind.KEY, frozenset({Grant("submit", Place("79001"))})),
            "the scope manage, for webhook.manage",
            "phạm vi manage, cho webhook.manage",
            id="a-machine-s-scope",
        ),
        pytest.param(
            Principal("key_1", PrincipalKind.KEY, frozenset({Grant("manage", NATION)})),
            "the right webhook.manage",
            "quyền webhook.manage",
            id="a-machine-that-has-it-elsewhere",
        ),
        pytest.param(
            Principal("per_1", PrincipalKind.PERSON, frozenset({Grant("reviewer", NATION)})),
            "the right webhook.manage",
            "quyền webhook.manage",
            id="a-person-s-right",
        ),
    ],
)
def test_who_is_refused_is_told_what_to_ask_for(caller: Principal, lacks: str, needs: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        caller.allowed("webhook.manage")

    assert (denied.value.lacks, denied.value.needs) == (lacks, needs)


def test_an_action_that_the_table_does_not_know_is_a_fault_and_not_a_refusal() -> None:
    with pytest.raises(ClaimsError, match="no action"):
        person(("auditor", "")).may("claim.burn")


def test_a_role_outside_the_places_it_may_be_given_for_gives_nothing() -> None:
    assert not person(("administrator", "79")).may("user.manage")
    assert not person(("hospital", "")).may("submission.submit", "99001")
    assert not person(("forgotten", "")).may("submission.read")


def test_the_service_is_switched_from_the_nation_only() -> None:
    assert person(("operator", "")).allowed("gateway.switch").within == EVERYWHERE
    assert not person(("operator", "79")).may("gateway.switch")


def test_whoever_says_who_may_reads_no_claims() -> None:
    assert not person(("administrator", "")).may("claim.read")
    assert not person(("operator", "")).may("claim.read")
    assert not person(("auditor", "")).may("claim.read")


def test_signed_bytes_are_for_those_who_may_read_claims() -> None:
    for role in POLICY.roles.values():
        assert "claim.read" in role.may or not role.may & {"evidence.read", "glass.break"}


@pytest.mark.parametrize(
    ("tables", "diagnoses", "classes"),
    [
        pytest.param({"XML1", "XML6"}, set(), {"hiv"}, id="by-table"),
        pytest.param({"XML1"}, {"I10", "B20.7"}, {"hiv"}, id="by-diagnosis"),
        pytest.param({"XML1"}, {"F32", "A53.9"}, {"psychiatric", "sexual"}, id="two"),
        pytest.param({"XML1"}, {"I10"}, set(), id="none"),
    ],
)
def test_protected_claims_are_known_by_tables_and_diagnoses(
    tables: set[str], diagnoses: set[str], classes: set[str]
) -> None:
    assert POLICY.classes_of(tables=tables, diagnoses=diagnoses) == classes


def test_a_protected_class_needs_its_own_right() -> None:
    assert person(("reviewer", "79")).hidden_classes({"hiv"}, "79001") == {"hiv"}
    assert not person(("senior-reviewer", "79")).hidden_classes({"hiv"}, "79001")
    assert person(("senior-reviewer", "79")).hidden_classes({"hiv"}, "01001") == {"hiv"}


@pytest.mark.parametrize(
    ("code", "kind"), [("", PlaceKind.NATION), ("79", PlaceKind.PROVINCE), ("79001", PlaceKind.FACILITY)]
)
def test_a_place_is_a_beginning_of_codes(code: str, kind: PlaceKind) -> None:
    assert Place(code).kind is kind
    assert Place(code).covers("79001")


@pytest.mark.parametrize("code", ["7", "790", "7900", "79%", "790011", "79 ", "٧٩"])
def test_nothing_else_is_a_place(code: str) -> None:
    with pytest.raises(ValueError, match="a place is"):
        Place(code)


def test_of_nested_places_the_widest_is_kept() -> None:
    assert Reach.of(Place("79001"), Place("79"), Place("01001")).codes == ["01001", "79"]
    assert Reach.of(Place("79001"), NATION).is_everywhere
    assert Reach.of(Place("79001")).only_facility == "79001"
    assert Reach.of(Place("79")).only_facility is None

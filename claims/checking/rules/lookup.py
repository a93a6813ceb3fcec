"""Rules that ask the insurer's register of cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from claims.checking.cards import CardQuestion, CardResult, Standing
from claims.checking.needs import Need
from claims.checking.rules.rule import Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.checking.cards import CardReply, Cards
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

#: Cards of the army and the police are not in the register that answers.
_ELSEWHERE: Final = ("QN", "CA", "CY")
_MOST_CARDS: Final = 3
_SILENCE: Final = CardResult(
    "–", Standing.UNANSWERED, {"vi": "không hỏi được cổng tiếp nhận", "en": "the gateway could not be asked"}
)
_ENDLESS: Final = frozenset({"99999999", "99991231"})


@dataclass(frozen=True, slots=True)
class _Answered:
    """A card of a claim: its place in the list, and what the register says of it."""

    place: int
    card: str
    reply: CardReply | None


@rule("CARD.LOOKUP_OK")
def find_cards_that_are_wrong(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The register knows the card, and the person by it."""
    for one in _answers(claim, known):
        result = _SILENCE if one.reply is None else one.reply.result
        if result.standing is Standing.UNANSWERED:
            why = tuple((f"why_{name}", f"{result.code} {text}") for name, text in result.meaning.items())
            yield Hit(claim.summary_row, "MA_THE_BHYT", why, instead="failed")
        elif result.standing is Standing.WRONG:
            meaning = tuple((f"meaning_{name}", text) for name, text in result.meaning.items())
            yield Hit(claim.summary_row, "MA_THE_BHYT", (("result", result.code), *meaning))


@rule("CARD.LOOKUP_DKBD")
def find_other_registration(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The person is registered where the claim says."""
    for summary, one, reply in _good(claim, known):
        given = _item(summary, "MA_DKBD", one)
        if reply.registered_at and given and given != reply.registered_at:
            yield Hit(summary, "MA_DKBD", (("given", given), ("expected", reply.registered_at)))


@rule("CARD.LOOKUP_SEX")
def find_other_sex(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The person's sex is that of the register."""
    for summary, _, reply in _good(claim, known):
        if reply.sex and summary["GIOI_TINH"] and summary["GIOI_TINH"] != reply.sex:
            yield Hit(summary, "GIOI_TINH", (("given", summary["GIOI_TINH"]), ("expected", reply.sex)))
            return


@rule("CARD.LOOKUP_DATES")
def find_other_days(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The card holds from and until when the register says, and the new card is there once it holds."""
    for summary, one, reply in _good(claim, known):
        for field, expected in (("GT_THE_TU", reply.valid_from), ("GT_THE_DEN", reply.valid_to)):
            given = _item(summary, field, one)
            if expected and given and given != expected and not {given, expected} <= _ENDLESS:
                yield Hit(summary, field, (("given", given), ("expected", expected)))
        if _lacks_new_card(summary, reply):
            params = (("given", "–"), ("expected", reply.new_valid_from))
            yield Hit(summary, "MA_THE_BHYT", params)


@rule("CARD.FIVE_YEARS")
def find_early_exemption(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Nobody is exempt from co-payment before five years of insurance are full."""
    for summary, _, reply in _good(claim, known):
        exempt = summary.day("NGAY_MIEN_CCT")
        if exempt and reply.five_years_on and exempt < reply.five_years_on:
            yield Hit(summary, "NGAY_MIEN_CCT", (("given", exempt), ("expected", reply.five_years_on)))
            return


def _answers(claim: CheckedClaim, known: Known) -> Sequence[_Answered]:
    return claim.once("cards", lambda: _look_up(claim, cast("Cards", known.more[Need.CARDS])))


def _look_up(claim: CheckedClaim, cards: Cards) -> Sequence[_Answered]:
    summary = claim.summary_row
    given = () if summary is None else summary.items_of("MA_THE_BHYT")[:_MOST_CARDS]
    return [
        _Answered(place, card, cards.look_up(_question(summary, card)))
        for place, card in enumerate(given)
        if summary is not None and not card.startswith(_ELSEWHERE)
    ]


def _question(summary: Row, card: str) -> CardQuestion:
    return CardQuestion(
        facility=summary["MA_CSKCB"],
        episode=summary["MA_LK"],
        card=card,
        name=summary["HO_TEN"],
        born=summary["NGAY_SINH"][:8],
    )


def _good(claim: CheckedClaim, known: Known) -> Iterator[tuple[Row, _Answered, CardReply]]:
    summary = claim.summary_row
    for one in _answers(claim, known):
        if summary is not None and one.reply is not None and one.reply.result.standing is Standing.GOOD:
            yield summary, one, one.reply


def _item(summary: Row, field: str, one: _Answered) -> str:
    """Return what a list that goes with the cards says of one of them; empty where it is too short."""
    items = summary.items_of(field)
    return items[one.place] if one.place < len(items) else ""


def _lacks_new_card(summary: Row, reply: CardReply) -> bool:
    left, begins = summary.day("NGAY_RA"), reply.new_valid_from
    is_due = bool(reply.new_card and begins and left and begins <= left)
    return is_due and reply.new_card not in summary.items_of("MA_THE_BHYT")

"""What XML1 takes from the papers where the visit itself does not say it."""

from decimal import Decimal

from claims.emr.encounter import Encounter


def follow_up_days(encounter: Encounter) -> tuple[str, ...]:
    """Return the days of re-visits (NGAY_TAI_KHAM), each of which has an appointment paper."""
    visit, appointment = encounter.encounter, encounter.documents.appointment
    if visit.follow_up or appointment is None or not appointment.at:
        return visit.follow_up
    return (appointment.at[:8],)


def newborn_weights(encounter: Encounter) -> tuple[Decimal, ...]:
    """Return the weights of the newborns (CAN_NANG_CON), which are also on their certificates."""
    visit, births = encounter.encounter, encounter.documents.births
    return visit.newborn_weights_g or tuple(each.weight_g for each in births if each.weight_g is not None)


def destination(encounter: Encounter) -> str:
    """Return where the patient was referred to (MA_NOI_DEN), as the visit or the referral says."""
    visit, referral = encounter.encounter, encounter.documents.referral
    return visit.to_facility or (referral and referral.destination) or ""

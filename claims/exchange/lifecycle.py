"""The life cycle of a submission: which state may follow which, and what each one means.

The table below is the only place that knows. Acknowledgement levels follow the X12 chain:
L1 received, L2 signature and schema, L3 taken by the gateway, L4 assessed by the insurer. A level only
rises and stands beside the state: the assessment happens after the delivery has ended.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from claims.exchange.errors import IllegalTransition


class State(StrEnum):
    """Where a submission stands."""

    RECEIVED = "received"  # L1: the bytes are durable, a check is due
    CHECKED = "checked"  # L2: signature, schema and cross-checks passed, sending is due
    REJECTED = "rejected"  # a check found something that blocks
    SENDING = "sending"  # a worker holds a lease and talks to the gateway
    OUTCOME_UNKNOWN = "outcome_unknown"  # it may have been taken: look before sending again
    ACKNOWLEDGED = "acknowledged"  # L3: the gateway gave its transaction number
    REFUSED = "refused"  # the gateway's own verdict; trying again does not help
    FAILED = "failed"  # attempts are used up; an operator replays
    SUPERSEDED = "superseded"  # a later version of its claims passed before the gateway took this one
    WITHDRAWN = "withdrawn"  # its facility took it back before the gateway took it


class Level(StrEnum):
    """How far a submission has been acknowledged; a level, once reached, is kept."""

    RECEIVED = "received"  # L1
    CHECKED = "checked"  # L2
    ACKNOWLEDGED = "acknowledged"  # L3
    ASSESSED = "assessed"  # L4: the insurer has said of every claim in it what it pays


#: Every arrow there is.
TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.RECEIVED: frozenset({State.CHECKED, State.REJECTED, State.FAILED, State.WITHDRAWN}),
        State.CHECKED: frozenset({State.SENDING, State.SUPERSEDED, State.WITHDRAWN}),
        State.SENDING: frozenset(
            {State.ACKNOWLEDGED, State.REFUSED, State.CHECKED, State.OUTCOME_UNKNOWN, State.FAILED}
        ),
        State.OUTCOME_UNKNOWN: frozenset({State.SENDING}),
        # The rest are resting places; an operator's replay leads on from some of them.
        State.REJECTED: frozenset({State.RECEIVED, State.SUPERSEDED, State.WITHDRAWN}),
        State.REFUSED: frozenset({State.CHECKED, State.SUPERSEDED, State.WITHDRAWN}),
        State.FAILED: frozenset(
            {State.RECEIVED, State.CHECKED, State.OUTCOME_UNKNOWN, State.SUPERSEDED, State.WITHDRAWN}
        ),
        State.ACKNOWLEDGED: frozenset(),
        State.SUPERSEDED: frozenset(),
        # What was withdrawn by mistake is handed in again: the same bytes, from the first step on.
        State.WITHDRAWN: frozenset({State.RECEIVED}),
    }
)

#: States in which a worker still has something to do.
PENDING = frozenset({State.RECEIVED, State.CHECKED, State.SENDING, State.OUTCOME_UNKNOWN})

#: States that an operator's replay may lead out of.
REPLAYABLE = frozenset({State.REJECTED, State.REFUSED, State.FAILED})

#: States that give way to a later version of the same claims, once that has passed its check.
GIVING_WAY = frozenset(state for state, targets in TRANSITIONS.items() if State.SUPERSEDED in targets)

#: States in which all that was to be done with the bytes has been done.
FINAL = frozenset(state for state, targets in TRANSITIONS.items() if not targets) | {State.WITHDRAWN}

#: For so long after it was withdrawn a submission may be handed in again; its content is kept at hand.
HAND_IN_AGAIN_WITHIN = timedelta(days=30)

#: States in which a facility may take a submission back, unless the gateway may have it.
WITHDRAWABLE = frozenset(state for state, targets in TRANSITIONS.items() if State.WITHDRAWN in targets)

#: States that say of a version that it passed its check and is or will be with the gateway.
PASSED = frozenset({State.CHECKED, State.SENDING, State.OUTCOME_UNKNOWN, State.ACKNOWLEDGED})


def advance(current: State, target: State) -> State:
    """Return the target state if the life cycle has that arrow.

    Raises:
        IllegalTransition: It has not.
    """
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(current, target)
    return target


def replay_target(current: State, *, was_checked: bool, maybe_taken: bool) -> State:
    """Return the state in which a replayed submission starts again.

    A submission that may already lie at the gateway starts with a look, never with a send.

    Raises:
        IllegalTransition: The submission is acknowledged or still under way.
    """
    if current not in REPLAYABLE:
        raise IllegalTransition(current, "replayed")
    if maybe_taken and was_checked:
        return advance(current, State.OUTCOME_UNKNOWN)
    # What has never passed its check is checked first; should it pass, delivery looks before it sends.
    return advance(current, State.CHECKED if was_checked else State.RECEIVED)

"""A report as a JSON document, and back.

What is read back is made again from its facts, and must come to what the document says, in whatever words.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from signing.errors import RecordUnreadable
from signing.report.record import Record, RecordedDigests, TrustMaterial
from signing.report.report import Answer, BlockResult, Report, recompute
from signing.report.words import describe_report, question
from signing.verdict import Reason, SignerInfo, Verdict

_VERSION: Final = 1
# For people. Whose certificate it is, its digest says; how names are spelled has changed before.
_WORDS: Final = frozenset({"sentence", "question", "subject", "issuer"})


def report_to_json(report: Report) -> dict[str, object]:
    """Return the report at its three depths: ``simple``, ``detailed``, ``diagnostic``."""
    return {
        "version": _VERSION,
        "simple": _simple_to_json(report),
        "detailed": [_block_to_json(block) for block in report.blocks],
        "diagnostic": _record_to_json(report.record),
    }


def report_from_json(document: object) -> Report:
    """Make a report again from its document.

    Raises:
        RecordUnreadable: Something is missing or not what it should be, or the verdict or a check is another
            than the facts come to.
    """
    try:
        top = _object(document)
        if top["version"] != _VERSION:
            raise RecordUnreadable(f"version {top['version']!r} is not known")
        report = recompute(_record_from_json(_object(top["diagnostic"])))
        made = report_to_json(report)
        for depth in ("simple", "detailed"):
            if _codes(made[depth]) != _codes(top[depth]):
                raise RecordUnreadable(f"what is said under {depth!r} does not follow from the facts")
    except KeyError as error:
        raise RecordUnreadable(f"{error.args[0]!r} is missing") from error
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RecordUnreadable(str(error)) from error
    return report


def _simple_to_json(report: Report) -> dict[str, object]:
    return {
        **_verdict_to_json(report.verdict),
        "facility": report.record.facility,
        "at": report.record.at.isoformat(),
        "sentence": {language: describe_report(report, language) for language in ("vi", "en")},
    }


def _verdict_to_json(verdict: Verdict) -> dict[str, object]:
    claimed, proved = verdict.signing_time, verdict.best_signature_time
    return {
        "indication": verdict.indication.value,
        "sub_indication": verdict.sub_indication and verdict.sub_indication.value,
        "reasons": _values(verdict.reasons),
        "warnings": _values(verdict.warnings),
        "information": _values(verdict.information),
        "signer": verdict.signer and signer_to_json(verdict.signer),
        "level": verdict.level.value,
        "scope": verdict.scope,
        "signing_time": claimed and claimed.isoformat(),
        "best_signature_time": proved and proved.isoformat(),
    }


def signer_to_json(signer: SignerInfo) -> dict[str, object]:
    """Return what a certificate says of its owner."""
    return {
        "subject": signer.subject,
        "issuer": signer.issuer,
        "serial": str(signer.serial),
        "sha256": signer.sha256,
        "not_before": signer.not_before.isoformat(),
        "not_after": signer.not_after.isoformat(),
    }


def _codes(said: object) -> object:
    """Return what is said, without words and without what was not asked.

    A report outlives the software that made it: later software words things otherwise and asks more.
    """
    if isinstance(said, Mapping):
        return {key: _codes(value) for key, value in said.items() if key not in _WORDS}
    if isinstance(said, list):
        return [_codes(one) for one in said if not (isinstance(one, Mapping) and _is_left_out(one))]
    return said


def _is_left_out(said: Mapping[str, object]) -> bool:
    return said.get("answer") == Answer.NOT_ASKED.value


def _block_to_json(block: BlockResult) -> dict[str, object]:
    return {
        "block": block.block.value,
        "outcome": block.outcome.value,
        "sub_indication": block.sub_indication and block.sub_indication.value,
        "checks": [
            {
                "check": check.reason.value,
                "question": {language: question(check.reason, language) for language in ("vi", "en")},
                "answer": check.answer.value,
            }
            for check in block.checks
        ],
    }


def _record_to_json(record: Record) -> dict[str, object]:
    trust, digests = record.trust, record.digests
    return {
        "document": {"sha256": record.sha256, "size": record.size},
        "at": record.at.isoformat(),
        "policy": record.policy.decode("utf-8"),
        "trust": {
            "anchors": _texts(trust.anchors),
            "tsa_anchors": _texts(trust.tsa_anchors),
            "intermediates": _texts(trust.intermediates),
            "crls": _texts(trust.crls),
            "ocsp": _texts(trust.responses),
            "unanswered": _texts(trust.unanswered),
        },
        "facility": record.facility,
        "stated_facility": record.stated_facility,
        "names_one_facility": record.names_one_facility,
        "is_registered": record.is_registered,
        "refused": record.refused and record.refused.value,
        "skeleton": None if record.skeleton is None else _text(record.skeleton),
        "digests": digests
        and {
            "references": _texts(digests.references),
            "timestamps": [
                {name: _text(digest) for name, digest in each.items()} for each in digests.timestamps
            ],
        },
        "software": record.software,
    }


def _record_from_json(facts: Mapping[str, object]) -> Record:
    document, trust = _object(facts["document"]), _object(facts["trust"])
    refused, digests, skeleton = facts["refused"], facts["digests"], facts["skeleton"]
    at = datetime.fromisoformat(_string(facts["at"]))
    if at.tzinfo is None:
        raise ValueError("'at' says no time zone")
    return Record(
        sha256=_string(document["sha256"]),
        size=cast("int", document["size"]),
        at=at,
        policy=_string(facts["policy"]).encode("utf-8"),
        trust=TrustMaterial(
            anchors=_bytes_of(trust["anchors"]),
            tsa_anchors=_bytes_of(trust["tsa_anchors"]),
            intermediates=_bytes_of(trust["intermediates"]),
            crls=_bytes_of(trust["crls"]),
            responses=_bytes_of(trust["ocsp"]),
            # Reports of the first versions do not have it.
            unanswered=_bytes_of(trust.get("unanswered", [])),
        ),
        facility=cast("str | None", facts["facility"]),
        # Reports of the first versions do not have these.
        stated_facility=cast("str | None", facts.get("stated_facility")),
        names_one_facility=cast("bool | None", facts.get("names_one_facility")),
        is_registered=cast("bool | None", facts["is_registered"]),
        refused=None if refused is None else Reason(_string(refused)),
        skeleton=None if skeleton is None else _bytes(skeleton),
        digests=None if digests is None else _digests_from_json(_object(digests)),
        software=_string(facts["software"]),
    )


def _digests_from_json(facts: Mapping[str, object]) -> RecordedDigests:
    timestamps = cast("Sequence[object]", facts["timestamps"])
    return RecordedDigests(
        _bytes_of(facts["references"]),
        tuple({name: _bytes(text) for name, text in _object(each).items()} for each in timestamps),
    )


def _values(reasons: Iterable[Reason]) -> list[str]:
    return [reason.value for reason in reasons]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _texts(values: Iterable[bytes]) -> list[str]:
    return [_text(value) for value in values]


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(_string(text), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def _bytes_of(texts: object) -> tuple[bytes, ...]:
    if not isinstance(texts, list):
        raise TypeError("not a list of base64 texts")
    return tuple(_bytes(text) for text in texts)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value

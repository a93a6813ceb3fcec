"""Signing bundles and verifying their signatures, as files. Needs no service and no server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.bundles import At, Facility, Output, Trust, deliver, each, judge, moment, registrations
from claims.cli.inputs import Inputs, expand, read_input
from claims.cli.output import AsJson, say

if TYPE_CHECKING:
    from signing.keys import Signer
    from signing.verdict import SignerInfo, Verdict


class _Profile(StrEnum):
    A = "a"
    XADES_B = "xades-b"


def sign(
    inputs: Inputs,
    pkcs12: Annotated[
        Path | None, typer.Option("--pkcs12", help="The facility's key and certificate.", dir_okay=False)
    ] = None,
    output: Output = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file",
            help="File with the passphrase or PIN; otherwise it is asked for.",
            dir_okay=False,
        ),
    ] = None,
    profile: Annotated[
        _Profile,
        typer.Option(
            "--profile",
            help="a: XML Signature alone; xades-b: with XAdES properties, level B-B.",
        ),
    ] = _Profile.A,
    module: Annotated[
        Path | None,
        typer.Option("--pkcs11", help="PKCS#11 module (.so) of a token, instead of a file.", dir_okay=False),
    ] = None,
    token: Annotated[str | None, typer.Option("--token", help="Label of the token, if several fit.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Label of the key, if there are several.")] = None,
    as_json: AsJson = False,
) -> int:
    """Sign bundles with the key of a file or of a token: one XML signature inside CHUKYDONVI."""
    from signing.sign import Profile, sign_bundle

    if (pkcs12 is None) == (module is None):
        raise typer.BadParameter("give either --pkcs12 or --pkcs11")

    with _open_signer(pkcs12, module, token, key, passphrase_file) as signer:

        def sign_one(path: Path, target: Path | None) -> dict[str, object]:
            signed = sign_bundle(
                read_input(path), signer, profile=Profile(profile.value), at=datetime.now(UTC)
            )
            deliver(signed, target)
            return {"input": str(path), "file": None if target is None else str(target), "refused": []}

        return each(expand(inputs), output, ".signed.xml", "signing", sign_one, as_json=as_json)


def verify(
    inputs: Inputs,
    trust: Trust = None,
    at: At = None,
    facility: Facility = None,
    as_json: AsJson = False,
) -> int:
    """Verify the signature of bundles, and nothing else.

    Exit code 0 only if every signature is TOTAL-PASSED.
    """
    from signing.canonical import parse
    from signing.certificates import TrustStore
    from signing.errors import Unparsable
    from signing.verify import verify as verify_signature

    store, registered, now = TrustStore.load(_trust_folder(trust)), registrations(trust), moment(at)

    def verify_one(path: Path) -> tuple[bool, dict[str, object]]:
        started = time.perf_counter()
        try:
            root = parse(read_input(path))
        except Unparsable as error:
            say(f"{path}: cannot be read: {error}")
            return False, {
                "file": str(path),
                "level": "plain",
                "facility": facility,
                "indication": "TOTAL-FAILED",
                "sub_indication": "FORMAT_FAILURE",
                "reasons": [error.code],
            }
        named = facility or root.findtext("THONGTINDONVI/MACSKCB")
        verdict = verify_signature(root, trust=store, at=now)
        reasons = [str(reason) for reason in verdict.reasons]
        passed, signer = verdict.has_passed, verdict.signer
        if passed and signer and registered and not registered(str(named), signer.sha256, now):
            passed, reasons = False, ["certificate.other_facility"]
        indication = verdict.indication if passed == verdict.has_passed else "TOTAL-FAILED"
        say(f"{path}: {indication}" + (f" ({', '.join(reasons)})" if reasons else ""))
        return passed, {
            "file": str(path),
            "indication": str(indication),
            "reasons": reasons,
            **_verdict_to_json(verdict),
            "facility": named,
            "ms": round((time.perf_counter() - started) * 1000, 3),
        }

    return judge(expand(inputs), "verifying", verify_one, as_json=as_json)


def _verdict_to_json(verdict: "Verdict") -> dict[str, object]:
    claimed, proved = verdict.signing_time, verdict.best_signature_time
    return {
        "sub_indication": None if verdict.sub_indication is None else str(verdict.sub_indication),
        "level": str(verdict.level),
        "signer": None if verdict.signer is None else _signer_to_json(verdict.signer),
        "scope": verdict.scope,
        "signing_time": claimed and claimed.isoformat(),
        "best_signature_time": proved and proved.isoformat(),
        "remarks": [str(remark) for remark in verdict.remarks],
    }


def _signer_to_json(signer: "SignerInfo") -> dict[str, object]:
    return {
        "subject": signer.subject,
        "issuer": signer.issuer,
        "serial": str(signer.serial),
        "sha256": signer.sha256,
        "not_before": signer.not_before.isoformat(),
        "not_after": signer.not_after.isoformat(),
    }


@contextmanager
def _open_signer(
    pkcs12: Path | None,
    module: Path | None,
    token: str | None,
    key: str | None,
    secret: Path | None,
) -> Iterator["Signer"]:
    """Open the file or the token; a token's session ends with the block."""
    from signing.keys import load_pkcs12

    if pkcs12 is not None:
        yield load_pkcs12(pkcs12.read_bytes(), _secret(secret, "passphrase"))
        return
    try:
        from signing.tokens import TokenChoice, open_token
    except ImportError:
        raise typer.BadParameter("needs the extra 'tokens': pip install 'ehoso[tokens]'") from None
    choice = TokenChoice(module or Path(), token=token, key=key)
    with open_token(choice, pin=_secret(secret, "PIN")) as signer:
        yield signer


def _secret(file: Path | None, name: str) -> str:
    if file is not None:
        return file.read_text("utf-8").rstrip("\r\n")
    return str(typer.prompt(name, hide_input=True, err=True))


def _trust_folder(trust: Path | None) -> Path:
    from claims.runtime.settings import load_settings

    return trust or load_settings().trust_folder

"""Signing bundles and extending their signatures, as files. Needs no service and no server."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.bundles import Output, deliver, each
from claims.cli.inputs import Inputs, find_files, read_input
from claims.cli.lots import sign_in_lots
from claims.cli.output import AsJson, Language
from claims.cli.signers import (
    CertificateFile,
    Key,
    KeyFile,
    Module,
    PassphraseFile,
    Pkcs12,
    Remote,
    RemoteCredentials,
    RemoteWait,
    SignerChoice,
    Token,
    open_signer,
)
from claims.cli.trust import Policy, Trust, registrations, trust_folder

if TYPE_CHECKING:
    from signing.keys import Signer
    from signing.sign import PreparedBundle
    from signing.verdict import Level
    from signing.xades.extend import Extender


class _Profile(StrEnum):
    A = "a"
    B = "b"
    XADES_B = "xades-b"
    XADES_T = "xades-t"
    XADES_LT = "xades-lt"
    XADES_LTA = "xades-lta"

    @property
    def extends_to(self) -> "Level | None":
        """The level to which a new XAdES signature is extended."""
        from signing.verdict import Level

        levels = {_Profile.XADES_T: Level.B_T, _Profile.XADES_LT: Level.B_LT, _Profile.XADES_LTA: Level.B_LTA}
        return levels.get(self)


class _Level(StrEnum):
    T = "t"
    LT = "lt"
    LTA = "lta"


Authorities = Annotated[
    list[str] | None,
    typer.Option(
        "--tsa", help="Address of a time-stamping authority; of several, the first that answers stamps."
    ),
]


def sign(
    inputs: Inputs,
    pkcs12: Pkcs12 = None,
    output: Output = None,
    passphrase_file: PassphraseFile = None,
    profile: Annotated[
        _Profile,
        typer.Option(
            "--profile",
            help="a: over the whole document; b: over one element with an Id (form 09/BH); "
            "xades-…: as a, with XAdES at level B-B, B-T, B-LT or B-LTA.",
        ),
    ] = _Profile.A,
    key_file: KeyFile = None,
    certificate_file: CertificateFile = None,
    module: Module = None,
    token: Token = None,
    key: Key = None,
    remote: Remote = None,
    remote_credentials: RemoteCredentials = None,
    remote_wait: RemoteWait = 180.0,
    tsa: Authorities = None,
    trust: Trust = None,
    policy: Policy = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Sign bundles with the key of a file, a token or a remote service: one XML signature in CHUKYDONVI.

    With --trust a certificate that is not registered for the bundle's facility signs nothing. Profiles
    xades-t and above need --tsa and --trust: who stamps, and whom to believe; xades-lt and above also lists
    (crls/) or responses (ocsp/) about every certificate there. With --remote only digests leave this machine,
    and the key's holder confirms up to 50 bundles at once.
    """
    from claims.cli.signing_words import speaking

    paths = find_files(inputs)
    choice = SignerChoice(
        pkcs12,
        key_file,
        certificate_file,
        passphrase_file,
        module,
        token,
        key,
        remote,
        remote_credentials,
        remote_wait,
        language,
    )
    with speaking(language):
        extender = None if profile.extends_to is None else _extender(tsa, trust, policy)
    with speaking(language), open_signer(choice) as signer:
        signed = sign_in_lots(paths, _preparing(signer, profile, trust, policy), signer)

        def sign_one(path: Path, target: Path | None) -> dict[str, object]:
            document = next(signed)
            if isinstance(document, Exception):
                raise document
            if extender is not None and profile.extends_to is not None:
                document = extender.extend(document, level=profile.extends_to, at=datetime.now(UTC))
            deliver(document, target)
            return _done(path, target)

        return each(paths, output, ".signed.xml", "signing", sign_one, language=language, as_json=as_json)


def extend(
    inputs: Inputs,
    level: Annotated[_Level, typer.Option("--level", help="The level to reach; lta again renews.")],
    tsa: Authorities = None,
    trust: Trust = None,
    output: Output = None,
    policy: Policy = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Extend XAdES signatures: with a timestamp (t), with evidence (lt), with an archive timestamp (lta).

    What was signed is not touched. Do it while the signature holds: nothing is added to one that does not.
    """
    from claims.cli.signing_words import speaking
    from signing.verdict import Level

    paths = find_files(inputs)
    with speaking(language):
        extender = _extender(tsa, trust, policy)
    wanted = {_Level.T: Level.B_T, _Level.LT: Level.B_LT, _Level.LTA: Level.B_LTA}[level]

    def extend_one(path: Path, target: Path | None) -> dict[str, object]:
        deliver(extender.extend(read_input(path), level=wanted, at=datetime.now(UTC)), target)
        return _done(path, target)

    return each(paths, output, ".extended.xml", "extending", extend_one, language=language, as_json=as_json)


def _preparing(
    signer: "Signer", profile: _Profile, trust: Path | None, policy: Path | None
) -> Callable[[Path], "PreparedBundle"]:
    from signing.canonical import parse
    from signing.facility import stated_facilities
    from signing.fitness import Fitness
    from signing.policy import DEFAULT_POLICY, load_policy
    from signing.sign import Profile, prepare_bundle
    from signing.signed_element import find_element

    accepted = DEFAULT_POLICY if policy is None else load_policy(policy)
    fitness = Fitness(accepted, registrations(trust))
    kind = Profile.XADES if profile.value.startswith("xades") else Profile(profile.value)

    def prepare(path: Path) -> "PreparedBundle":
        data, now = read_input(path), datetime.now(UTC)
        root = parse(data)
        covered = find_element(root, accepted.signed_elements) if kind is Profile.ELEMENT else None
        fitness.require(signer, facilities=stated_facilities(root, covered=covered), at=now)
        return prepare_bundle(data, signer, profile=kind, at=now, policy=accepted)

    return prepare


def _extender(tsa: Sequence[str] | None, trust: Path | None, policy: Path | None) -> "Extender":
    from claims.authorities.timestamping import HttpTimestampAuthority
    from signing.policy import DEFAULT_POLICY, load_policy
    from signing.trust import TrustStore
    from signing.xades.extend import Extender

    if not tsa:
        raise typer.BadParameter("a timestamp needs the address of an authority", param_hint="--tsa")
    accepted = DEFAULT_POLICY if policy is None else load_policy(policy)
    return Extender(HttpTimestampAuthority(tuple(tsa)), TrustStore.load(trust_folder(trust)), accepted)


def _done(path: Path, target: Path | None) -> dict[str, object]:
    return {"input": str(path), "file": None if target is None else str(target), "refused": []}

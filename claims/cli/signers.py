"""Whose key signs: a file, a pair of files, a token or a remote service; the options, and opening it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claims.cli.inputs import read_text
from claims.cli.output import say

if TYPE_CHECKING:
    from signing.keys import Signer

_SHOWN_NAMES = 5
_WAITING: Final = {
    "vi": "đang chờ người giữ khóa xác nhận {count} tệp: {shown}",
    "en": "waiting for the key's holder to confirm {count} document(s): {shown}",
}
_SECRETS: Final = {
    "passphrase": {"vi": "Mật khẩu của tệp khóa", "en": "passphrase"},
    "PIN": {"vi": "Mã PIN của thiết bị ký", "en": "PIN"},
}

Pkcs12 = Annotated[
    Path | None,
    typer.Option(
        "--pkcs12", help="Key and certificate in one file (.p12, .pfx).", exists=True, dir_okay=False
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", help="Private key (PEM or DER) of --cert-file.", exists=True, dir_okay=False),
]
CertificateFile = Annotated[
    Path | None,
    typer.Option(
        "--cert-file", help="Certificate of --key-file: PEM, DER or PKCS#7.", exists=True, dir_okay=False
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="File with the passphrase or PIN; otherwise it is asked for.",
        exists=True,
        dir_okay=False,
    ),
]
Module = Annotated[
    Path | None,
    typer.Option("--pkcs11", help="PKCS#11 module (.so) of a token, instead of a file.", dir_okay=False),
]
Token = Annotated[str | None, typer.Option("--token", help="Label of the token, if several fit.")]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Label of the key, if there are several; in a file also how its certificate's SHA-256 begins.",
    ),
]
Remote = Annotated[
    str | None,
    typer.Option("--remote", help="Address of a remote signing service that keeps the key."),
]
RemoteCredentials = Annotated[
    Path | None,
    typer.Option(
        "--remote-credentials",
        help="TOML file: sp_id, sp_password, user_id, and serial_number if there are several certificates.",
        exists=True,
        dir_okay=False,
    ),
]
RemoteWait = Annotated[
    float,
    typer.Option("--remote-wait", help="Seconds that the key's holder has to confirm.", min=1, max=3600),
]


@dataclass(frozen=True, slots=True)
class SignerChoice:
    """What was said of the key.

    Raises:
        BadParameter: It is not one of the ways to say it.
    """

    pkcs12: Path | None = None
    key_file: Path | None = None
    certificate_file: Path | None = None
    passphrase_file: Path | None = None
    module: Path | None = None
    token: str | None = None
    key: str | None = None
    remote: str | None = None
    remote_credentials: Path | None = None
    remote_wait_s: float = 180.0
    language: str = "vi"

    def __post_init__(self) -> None:
        ways = (self.pkcs12, self.key_file, self.module, self.remote)
        if sum(way is not None for way in ways) != 1:
            raise typer.BadParameter("give one of --pkcs12, --key-file with --cert-file, --pkcs11, --remote")
        if (self.key_file is None) != (self.certificate_file is None):
            raise typer.BadParameter("--key-file and --cert-file go together")
        if (self.remote is None) != (self.remote_credentials is None):
            raise typer.BadParameter("--remote and --remote-credentials go together")
        if self.key is not None and self.pkcs12 is None and self.module is None:
            raise typer.BadParameter("--key chooses among the keys of --pkcs12 or --pkcs11")


@contextmanager
def open_signer(choice: SignerChoice) -> Iterator["Signer"]:
    """Open the file, the token or the service; a token's session ends with the block."""
    from signing.key_files import read_marked
    from signing.keys import load_pem, load_pkcs12

    if choice.remote is not None and choice.remote_credentials is not None:
        yield _open_remote(choice.remote, choice.remote_credentials, choice)
        return
    if choice.pkcs12 is not None:
        yield load_pkcs12(choice.pkcs12.read_bytes(), _secret(choice, "passphrase"), key=choice.key)
        return
    if choice.key_file is not None and choice.certificate_file is not None:
        key = read_marked(choice.key_file.read_bytes())
        is_sealed = b"ENCRYPTED" in key or b"-----BEGIN" not in key
        passphrase = _secret(choice, "passphrase") if is_sealed else None
        yield load_pem(key, choice.certificate_file.read_bytes(), passphrase)
        return
    try:
        from signing.tokens import TokenChoice, open_token
    except ImportError:
        raise typer.BadParameter("needs the extra 'tokens': pip install 'ehoso[tokens]'") from None
    token = TokenChoice(choice.module or Path(), token=choice.token, key=choice.key)
    with open_token(token, pin=_secret(choice, "PIN")) as signer:
        yield signer


def _open_remote(url: str, credentials: Path, choice: SignerChoice) -> "Signer":
    from claims.authorities.remote_signing import HttpSigningService, load_account, open_remote_signer
    from signing.remote import Patience

    service = HttpSigningService(url, load_account(credentials))
    patience = Patience(wait_s=choice.remote_wait_s)
    return open_remote_signer(service, patience=patience, notice=partial(_ask_holder, choice.language))


def _ask_holder(language: str, names: Sequence[str]) -> None:
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    say(_WAITING[language].format(count=len(names), shown=shown))


def _secret(choice: SignerChoice, name: str) -> str:
    if choice.passphrase_file is not None:
        return read_text(choice.passphrase_file).rstrip("\r\n")
    return str(typer.prompt(_SECRETS[name][choice.language], hide_input=True, err=True))

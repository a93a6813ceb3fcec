"""Whose key signs: a file, a pair of files, or a token; the options, and opening it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from signing.keys import Signer

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
    typer.Option("--cert-file", help="Certificate (PEM or DER) of --key-file.", exists=True, dir_okay=False),
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
Key = Annotated[str | None, typer.Option("--key", help="Label of the key, if there are several.")]


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

    def __post_init__(self) -> None:
        ways = (self.pkcs12, self.key_file, self.module)
        if sum(way is not None for way in ways) != 1:
            raise typer.BadParameter("give one of --pkcs12, --key-file with --cert-file, --pkcs11")
        if (self.key_file is None) != (self.certificate_file is None):
            raise typer.BadParameter("--key-file and --cert-file go together")


@contextmanager
def open_signer(choice: SignerChoice) -> Iterator["Signer"]:
    """Open the file or the token; a token's session ends with the block."""
    from signing.keys import load_pem, load_pkcs12

    if choice.pkcs12 is not None:
        yield load_pkcs12(choice.pkcs12.read_bytes(), _secret(choice, "passphrase"))
        return
    if choice.key_file is not None and choice.certificate_file is not None:
        key = choice.key_file.read_bytes()
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


def _secret(choice: SignerChoice, name: str) -> str:
    if choice.passphrase_file is not None:
        return choice.passphrase_file.read_text("utf-8").rstrip("\r\n")
    return str(typer.prompt(name, hide_input=True, err=True))

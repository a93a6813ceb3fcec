"""The facilities' signing keys that the service holds: one PKCS#12 file a facility, in a folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from claims.exchange.submission import FacilityCode
from signing.keys import Signer, load_pkcs12

_FACILITY = re.compile(r"[0-9A-Z]{5}")


@dataclass(frozen=True, slots=True)
class FolderOfKeys:
    """`claims.exchange.ports.SigningKeys` over ``CODE.p12`` files."""

    folder: Path
    passphrase: SecretStr | None

    def find(self, facility: FacilityCode) -> Signer | None:
        """Return the facility's signer, or None when there is no file for it.

        Raises:
            signing.errors.SigningError: The file cannot be opened with the passphrase.
        """
        if not _FACILITY.fullmatch(facility):
            return None
        path = self.folder / f"{facility}.p12"
        if not path.is_file():
            return None
        passphrase = None if self.passphrase is None else self.passphrase.get_secret_value()
        return load_pkcs12(path.read_bytes(), passphrase)

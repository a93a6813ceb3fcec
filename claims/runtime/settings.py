"""Settings: one frozen value, read once from ``CLAIMS_…`` variables.

A name that is not a setting stops start-up, because a misspelled variable that is silently ignored
is a service that runs with a default nobody chose.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from claims.bundle.findings import Severity
from claims.errors import ClaimsError
from claims.exchange.breaker import read_windows

PREFIX = "CLAIMS_"

#: One attempt at worst: sign in, ask by digest, sign in again, ask again; and the same to send.
_EXCHANGES = 8


class InvalidSettings(ClaimsError):
    """The environment does not make sense; every problem is listed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _readable_windows(text: str) -> str:
    read_windows(text)
    return text


class Settings(BaseModel):
    """How this installation runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path.home() / ".local" / "share" / "ehoso",
        description="Folder of the embedded servers, the sealing key and the facilities' signing keys.",
    )
    database_url: str | None = Field(
        None, description="PostgreSQL address (libpq URL). Unset: the embedded PostgreSQL in the data folder."
    )
    broker_url: str | None = Field(
        None, description="Celery broker address. Unset: the embedded Valkey in the data folder."
    )
    log_level: str = Field("INFO", description="Least level of log lines: DEBUG, INFO, WARNING, ERROR.")

    format_folder: Path | None = Field(
        None,
        description="Folder with a later Decision's data: catalog.toml, schemas, codes/*.csv, money.toml. "
        "Unset: what comes with eHoSo.",
    )

    max_body_bytes: Annotated[int, Field(gt=0)] = Field(
        20 * 2**20, description="Largest body the API takes; the gateway takes 20 MB."
    )
    pool_size: Annotated[int, Field(gt=0)] = Field(
        16, description="Database connections per process, at most."
    )

    trust_dir: Path | None = Field(
        None, description="Folder of trust anchors (anchors/, intermediates/, crls/). Unset: DATA_DIR/trust."
    )
    catalogue_folder: Path | None = Field(
        None,
        description="Folder with a folder of price lists and code maps for each facility, named by its code. "
        "Unset: encounters must bring national codes and prices.",
    )

    signing_keys_dir: Path | None = Field(
        None, description="Folder of CODE.p12 files the service may sign with. Unset: DATA_DIR/keys."
    )
    signing_keys_passphrase: SecretStr | None = Field(None, description="Passphrase of those files.")
    sealing_key_file: Path | None = Field(
        None,
        description="File of the 32-byte key that seals secrets in the database. Unset: DATA_DIR/seal.key.",
    )

    unknown_fields: Severity | None = Field(
        None,
        description="Weight of a field no Decision has: info, warning; or error, which blocks sending. "
        "Unset: as the check policy says, which is warning without one.",
    )

    check_policy: Path | None = Field(
        None,
        description="File (TOML) with the severities that this installation changes, and who decided it, "
        "when and why. Unset: as the rules say.",
    )
    rules_folder: Path | None = Field(
        None, description="Folder (TOML files) of the hospital's own rules. Unset: none."
    )

    gateway_url: str | None = Field(
        None, description="Address of the insurer's gateway; unset: nothing is sent."
    )
    gateway_timeout_s: Annotated[float, Field(gt=0)] = Field(
        30.0, description="How long the gateway may take to answer; connecting may take 5 s at most."
    )
    gateway_finds_by_digest: bool = Field(
        default=False,
        description="Whether this gateway can be asked for a receipt by SHA-256, as the stand-in can.",
    )

    gateway_maintenance: Annotated[str, AfterValidator(_readable_windows)] = Field(
        "",
        description="Announced times in which nothing is sent and no attempt is used up: BEGIN/END with "
        "zone, such as 2026-12-01T22:00+07:00/2026-12-02T04:00+07:00; several are separated by commas.",
    )

    card_lookup: bool = Field(
        default=False,
        description="Whether checks look up cards at the gateway, for facilities that have said in whose "
        "name (`claims facility card-staff`).",
    )
    card_lookup_timeout_s: Annotated[float, Field(gt=0)] = Field(
        5.0, description="How long an answer about a card is waited for; then the check goes on without."
    )

    check_batch: Annotated[int, Field(gt=0, le=200)] = Field(50, description="Submissions per check task.")
    check_lease_s: Annotated[int, Field(gt=0)] = Field(60, description="Longest a check batch may take.")
    check_processes: Annotated[int, Field(gt=0)] = Field(
        os.cpu_count() or 1, description="Processes that check; one per core."
    )
    send_batch: Annotated[int, Field(gt=0, le=200)] = Field(16, description="Submissions per delivery task.")
    send_lease_s: Annotated[int, Field(gt=0)] = Field(
        300, description="Longest a delivery batch may take: more than eight exchanges with the gateway."
    )
    send_tasks: Annotated[int, Field(gt=0, le=64)] = Field(
        8, description="Delivery tasks at once per worker; times SEND_BATCH: requests at once."
    )
    send_attempts: Annotated[int, Field(gt=0)] = Field(
        12, description="Attempts before a submission is left to an operator."
    )
    retry_base_s: Annotated[float, Field(gt=0)] = Field(5.0, description="First wait before trying again.")
    retry_cap_s: Annotated[float, Field(gt=0)] = Field(
        1800.0, description="Longest wait before trying again."
    )
    reap_every_s: Annotated[float, Field(gt=0)] = Field(5.0, description="How often lost work is looked for.")
    wake_again_s: Annotated[int, Field(ge=0)] = Field(
        30, description="How long work that was woken may rest before it is woken again."
    )

    api_url: str = Field("http://127.0.0.1:8000", description="Where the command line finds the API.")
    api_key: SecretStr | None = Field(None, description="The command line's API key.")

    @property
    def gateway_connect_s(self) -> float:
        """How long connecting to the gateway may take."""
        return min(5.0, self.gateway_timeout_s)

    @property
    def gateway_exchange_s(self) -> float:
        """How long one request and its answer may take."""
        return self.gateway_connect_s + self.gateway_timeout_s

    @property
    def trust_folder(self) -> Path:
        """Folder of trust anchors."""
        return self.trust_dir or self.data_dir / "trust"

    @property
    def signing_keys_folder(self) -> Path:
        """Folder of the facilities' signing keys."""
        return self.signing_keys_dir or self.data_dir / "keys"

    @property
    def sealing_key_path(self) -> Path:
        """File of the key that seals secrets in the database."""
        return self.sealing_key_file or self.data_dir / "seal.key"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        InvalidSettings: A variable is unknown or a value makes no sense.
    """
    environment = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    problems = [f"{name} is not a setting" for name in unknown]
    values = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.model_fields
        if PREFIX + name.upper() in environment
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [
            f"{PREFIX}{'.'.join(str(part) for part in one['loc']).upper()}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidSettings(tuple(problems)) from None
    if settings.send_lease_s <= _EXCHANGES * settings.gateway_exchange_s:
        problems.append(
            f"{PREFIX}SEND_LEASE_S must exceed {_EXCHANGES} times what one exchange may take, "
            f"{_EXCHANGES * settings.gateway_exchange_s:g} s"
        )
    if problems:
        raise InvalidSettings(tuple(problems))
    return settings

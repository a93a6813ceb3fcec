"""Settings: one frozen value, read once from ``CLAIMS_…`` variables.

A name that is not a setting stops start-up, because a misspelled variable that is silently ignored
is a service that runs with a default nobody chose.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from claims.bundle.findings import Severity
from claims.errors import ClaimsError
from claims.exchange.destination import FIRST_REST_S
from claims.runtime.value_forms import (
    A_CENTURY_S,
    LONGEST_S,
    BrokerAddress,
    Days,
    HeaderName,
    KeyName,
    Networks,
    PostgresqlAddress,
    Rate,
    Seconds,
    SizeLimits,
    StoreAddress,
    WebAddresses,
    WebBase,
    WholeSeconds,
    Windows,
)
from claims.runtime.watchdog import PATIENCE_S
from claims.validation import told

PREFIX = "CLAIMS_"

#: One attempt at worst: sign in, ask by digest, sign in again, ask again; and the same to send.
_EXCHANGES = 8

_TOKEN_NEEDS = ("content_keys_module", "content_keys_token", "content_keys_pin")
_KEY_SERVICE_NEEDS = ("content_keys_url", "content_keys_secret")
_OIDC_NEEDS = ("public_url", "oidc_client_id", "oidc_roles")


class InvalidSettings(ClaimsError):
    """The environment does not make sense; every problem is listed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings(BaseModel):
    """How this installation runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data_dir: Path = Field(
        Path.home() / ".local" / "share" / "ehoso",
        description="Folder of the embedded servers, the sealing key and the facilities' signing keys.",
    )
    production: bool = Field(
        default=False,
        description="Whether this installation holds real claims: it then refuses to start with demo keys, "
        "weak settings or key files that others may read, and says which (`claims doctor` too).",
    )
    database_url: PostgresqlAddress | None = Field(
        None, description="PostgreSQL address (libpq URL). Unset: the embedded PostgreSQL in the data folder."
    )
    database_roles: bool | None = Field(
        None,
        description="Whether API, console and workers take on their own roles in the database "
        "(`claims migrate --roles` makes them): API and console then see only the rows of their caller's "
        "places, and the API reads no bundles. Unset: with the embedded servers, which have the roles.",
    )
    broker_url: BrokerAddress | None = Field(
        None, description="Celery broker address. Unset: the embedded Valkey in the data folder."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Least level of log lines: DEBUG, INFO, WARNING, ERROR, CRITICAL."
    )

    format_folder: Path | None = Field(
        None,
        description="Folder with a later Decision's data: catalog.toml, schemas, codes/*.csv, money.toml. "
        "Unset: what comes with eHoSo.",
    )

    max_body_bytes: Annotated[int, Field(gt=0)] = Field(
        20 * 2**20,
        description="Largest bundle, encounter or form with a file that is taken; the gateway takes 20 MB. "
        "Any other request has 256 KiB at most.",
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

    content_keys_dir: Path | None = Field(
        None,
        description="Folder of the master keys that wrap the keys of stored claims (`claims content-key`). "
        "Unset: DATA_DIR/content-keys; without a file in it a key that follows from the sealing key wraps.",
    )
    content_store: StoreAddress = Field(
        "",
        description="A folder or s3://BUCKET/PREFIX to which contents of submissions move, encrypted, when "
        "nothing will be done with them any more. All processes need it from then on. Unset: none move.",
    )
    content_store_after_days: Days = Field(
        180, description="How many days after a submission's last change its contents move there."
    )
    content_store_per_s: Annotated[float, Field(gt=0)] = Field(
        20.0, description="How many submissions' contents move in a second, at most."
    )
    content_keys_in: Literal["folder", "token", "service"] = Field(
        "folder",
        description="Where the master key is that wraps what is new: folder, token (PKCS#11) or service. "
        "Places that are set besides still open what they wrapped.",
    )
    content_keys_module: Path | None = Field(
        None, description="PKCS#11 module of the token with the master keys. Needs the extra `tokens`."
    )
    content_keys_token: str = Field("", description="Label of that token.")
    content_keys_pin: SecretStr | None = Field(None, description="PIN of that token.")
    content_keys_url: WebBase = Field(
        "",
        description="Address of a key service's transit engine (HashiCorp Vault, OpenBao), such as "
        "https://keys.example.vn/v1/transit.",
    )
    content_keys_name: KeyName = Field("ehoso", description="Name of the key there.")
    content_keys_secret: SecretStr | None = Field(
        None, description="What this service proves itself with there (X-Vault-Token)."
    )
    evidence_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys with which the service signs receipts, evidence and archives; made "
        "at the first start. Unset: DATA_DIR/evidence-keys.",
    )
    log_every_s: Seconds = Field(5.0, description="How often events become evidence in the log.")
    head_every_s: Seconds = Field(
        60.0, description="How often the head of the log is signed, at most; only when the log has grown."
    )
    timestamp_urls: WebAddresses = Field(
        "",
        description="Addresses of time-stamping authorities (RFC 3161), separated by commas, for the day's "
        "head of the log and for archives. Unset: nothing is time-stamped.",
    )
    archive_store: StoreAddress = Field(
        "",
        description="A folder or s3://BUCKET/PREFIX with archives (`claims export`), which workers renew "
        "before what protects them ends; takes CLAIMS_TIMESTAMP_URLS. Unset: none.",
    )
    renew_within_days: Annotated[Days, Field(ge=1)] = Field(
        180, description="How long before their end archives and the service's own key are renewed."
    )
    retention_file: Path | None = Field(
        None,
        description="File (TOML) of how many years which class of records is kept, by the day of discharge. "
        "Unset: 10, 15 and 20 years.",
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

    batch_dir: Path | None = Field(
        None, description="Folder of batches that are being worked off. Unset: DATA_DIR/batches."
    )
    batch_bytes: Annotated[int, Field(gt=0)] = Field(
        5 * 2**30, description="Largest body of a batch; unpacked it may be four times as much."
    )
    batch_items: Annotated[int, Field(gt=0, le=1_000_000)] = Field(
        50_000, description="Most files of a batch."
    )

    intake_rate: Rate = Field(
        "",
        description="With how many requests a facility may hand in, such as 600/minute; a batch is one. "
        "Counted by all API processes together where the broker is a Redis or Valkey. Unset: as fast as it "
        "can.",
    )
    check_rate: Rate = Field(
        "600/minute",
        description="How often a facility may have a bundle checked without handing it in. Empty: as often "
        "as it can.",
    )

    dropin: bool = Field(
        default=False,
        description="Whether the API also answers the gateway's own protocol, for hospital software that "
        "speaks nothing else. Needs DROPIN_NETWORKS or DROPIN_CERTIFICATE_HEADER.",
    )
    dropin_networks: Networks = Field(
        "", description="From where it may be used: networks such as 203.0.113.0/28, separated by commas."
    )
    dropin_certificate_header: HeaderName | None = Field(
        None,
        description="Header in which a trusted proxy says SUCCESS when it verified a client's certificate, "
        "which stands for an address of DROPIN_NETWORKS. Unset: certificates do not count.",
    )
    trusted_proxies: Networks = Field(
        "",
        description="Networks of the reverse proxies in front of the API, separated by commas. Only their "
        "word on a caller's address (X-Forwarded-For) and certificate is taken.",
    )
    client_certificate_header: HeaderName | None = Field(
        None,
        description="Header in which a trusted proxy gives the certificate that a client has proved to hold "
        "(PEM, percent-encoded: nginx's $ssl_client_escaped_cert); access tokens are bound to it. "
        "The proxy must drop what callers send under this name. Unset: only what the server saw counts.",
    )
    dropin_token_s: Annotated[int, Field(ge=60, le=3600)] = Field(
        1800, description="How long a drop-in session lives."
    )
    dropin_sign_in_rate: Rate = Field(
        "10/minute", description="How often one name, and one address, may fail to sign in."
    )

    gateway_url: WebBase | None = Field(
        None, description="Address of the insurer's gateway; unset: nothing is sent."
    )
    stand_in_url: WebBase | None = Field(
        None,
        description="Address of the stand-in for the gateway (`claims mock-gateway`), for test "
        "installations: operators then switch its faults in the console.",
    )
    gateway_timeout_s: Seconds = Field(
        30.0, description="How long the gateway may take to answer; connecting may take 5 s at most."
    )
    gateway_finds_by_digest: bool = Field(
        default=False,
        description="Whether this gateway can be asked for a receipt by SHA-256, as the stand-in can.",
    )

    gateway_generation: Literal["decision", "917", "4210", "130", "4750", "3176"] = Field(
        "decision",
        description="Interface that claims are sent to: decision is that of each bundle's own Decision; or "
        "one of 917, 4210, 130, 4750, 3176 for all.",
    )
    gateway_body: Literal["form", "json"] = Field(
        "form", description="How requests to the gateway are written: form or json."
    )
    gateway_4210_as_numbers: bool = Field(
        default=False,
        description="Whether the earlier interface (917, 4210) is given a file as byte values, not Base64.",
    )
    gateway_results: bool = Field(
        default=True,
        description="Whether results are read back: faults of reception for 49 hours, assessment and "
        "settlement until the month is settled.",
    )
    results_first_s: Seconds = Field(
        600.0, description="How long after an acknowledgement results are looked for first."
    )
    results_longest_s: Seconds = Field(
        21600.0, description="Longest wait between two looks; the waits double up to it."
    )

    gateway_per_s: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Submissions that may be sent in a second, by all workers of all hosts together, and "
        "check-ins and questions of hospital software with them; unset: any number. How many at once: "
        "SEND_TASKS times SEND_BATCH.",
    )
    gateway_size_limits: SizeLimits = Field(
        "",
        description="Largest files by the hour, such as 07:00-17:00=20000000 (wall time in Việt Nam, bytes); "
        "a larger one waits for the end of those hours. Several are separated by commas; a night's are "
        "22:00-06:00.",
    )

    gateway_first_rest_s: Seconds = Field(
        FIRST_REST_S,
        description="How long the gateway is left alone once it did not answer five times in a row. "
        "Each rest lasts twice as long as the last one, up to 5 minutes, until it answers again.",
    )
    gateway_maintenance: Windows = Field(
        "",
        description="Announced times in which nothing is sent and no attempt is used up: BEGIN/END with "
        "zone, such as 2026-12-01T22:00+07:00/2026-12-02T04:00+07:00; several are separated by commas. "
        "Where an end changes, what waits goes by it once the workers that deliver are started again.",
    )

    check_ins: bool = Field(
        default=False,
        description="Whether check-ins (XML0) are taken and handed on, and claims compared with them.",
    )
    card_lookup: bool = Field(
        default=False,
        description="Whether checks look up cards at the gateway, for facilities that have said in whose "
        "name (`claims facility card-staff`).",
    )
    card_lookup_timeout_s: Seconds = Field(
        5.0, description="How long an answer about a card is waited for; then the check goes on without."
    )

    check_batch: Annotated[int, Field(gt=0, le=200)] = Field(50, description="Submissions per check task.")
    check_lease_s: WholeSeconds = Field(60, description="Longest a check batch may take.")
    check_processes: Annotated[int, Field(gt=0)] = Field(
        os.cpu_count() or 1, description="Processes that check; one per core."
    )
    send_batch: Annotated[int, Field(gt=0, le=200)] = Field(50, description="Submissions per delivery task.")
    send_lease_s: WholeSeconds = Field(
        300, description="Longest a delivery batch may take: more than eight exchanges with the gateway."
    )
    send_tasks: Annotated[int, Field(gt=0, le=64)] = Field(
        4, description="Delivery tasks at once per worker; times SEND_BATCH: requests at once."
    )
    send_attempts: Annotated[int, Field(gt=0)] = Field(
        12, description="Attempts before a submission is left to an operator."
    )
    retry_base_s: Seconds = Field(5.0, description="First wait before trying again.")
    retry_cap_s: Seconds = Field(1800.0, description="Longest wait before trying again.")
    reap_every_s: Seconds = Field(
        5.0, description="How often lost work, and events that webhooks want, are looked for."
    )
    idle_patience_s: Seconds = Field(
        PATIENCE_S,
        description="How long a worker may have nothing to do while messages wait, before it ends itself to "
        "be started again.",
    )
    clock_skew_s: Annotated[float, Field(ge=-A_CENTURY_S, le=A_CENTURY_S)] = Field(
        0.0, description="Seconds by which this process's own clock is wrong, on purpose: for trials only."
    )
    wake_again_s: Annotated[int, Field(ge=0, le=LONGEST_S)] = Field(
        30, description="How long work that was woken may rest before it is woken again."
    )

    reviews: bool = Field(
        default=False,
        description="Whether claims that the gateway took are opened for the insurer's reviewers.",
    )
    review_policy: Path | None = Field(
        None,
        description="File (TOML) with the insurer's policy: which claims must be seen, above what amount two "
        "decide, the reasons for paying less. Unset: what comes with eHoSo.",
    )

    session_idle_minutes: Annotated[int, Field(gt=0, le=24 * 60)] = Field(
        30, description="How long a session of a person may rest before it ends."
    )
    session_hours: Annotated[int, Field(gt=0, le=24)] = Field(
        10, description="How long a session lasts at most, however busy it is."
    )

    oidc_issuer: WebBase = Field(
        "",
        description="Address of an OpenID provider at which people may sign in to the console. Needs "
        "PUBLIC_URL, OIDC_CLIENT_ID and OIDC_ROLES. Unset: passwords and passkeys only.",
    )
    oidc_client_id: str = Field("", description="Under which name the provider knows this service.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="What the service proves itself with there. Unset: it is a public client (PKCE)."
    )
    oidc_roles: Path | None = Field(
        None,
        description="File (TOML): which roles for which places follow from what the provider says "
        "(docs/guides/sign-in.md). Without a role nobody gets in.",
    )
    oidc_networks: Networks = Field(
        "",
        description="Networks that are not public in which the provider may be, such as 10.20.0.0/16; "
        "several are separated by commas.",
    )

    webhook_tasks: Annotated[int, Field(gt=0, le=256)] = Field(
        64,
        description="Webhooks served at once per worker; a slow receiver holds one. Those that did not "
        "answer within three seconds the last time have half of them at most.",
    )
    webhook_timeout_s: Annotated[float, Field(gt=0, le=15)] = Field(
        15.0, description="How long a webhook's receiver may take to answer."
    )
    webhook_networks: Networks = Field(
        "",
        description="Networks that are not public to which webhooks may go all the same, also without TLS, "
        "such as 10.20.0.0/16; several are separated by commas.",
    )

    metrics_key: SecretStr | None = Field(
        None,
        description="Key (as a bearer token) that opens `/metrics` of the API; unset: there is no such page.",
    )
    metrics_port: Annotated[int, Field(gt=0, le=65_500)] | None = Field(
        None,
        description="Port for metrics without a key: the API takes it, workers those that follow: check +1, "
        "deliver +2, tell +3. Unset: none.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address on which these ports listen.")
    otlp_url: WebBase | None = Field(
        None,
        description="Address of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318. "
        "Unset: no traces are made.",
    )
    trace_share: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, description="Share of requests whose traces are recorded; a caller's own decision comes first."
    )

    public_url: WebBase = Field(
        "",
        description="Where people reach the service; the QR codes of paper forms lead there. "
        "Unset: forms have no code.",
    )
    api_url: WebBase = Field("http://127.0.0.1:8000", description="Where the command line finds the API.")
    api_key: SecretStr | None = Field(None, description="The command line's API key.")

    @property
    def has_database_roles(self) -> bool:
        """Whether the processes take on their own roles in the database."""
        return self.database_url is None if self.database_roles is None else self.database_roles

    @property
    def gateway_connect_s(self) -> float:
        """How long connecting to the gateway may take."""
        return min(5.0, self.gateway_timeout_s)

    @property
    def gateway_exchange_s(self) -> float:
        """How long one request and its answer may take."""
        return self.gateway_connect_s + self.gateway_timeout_s

    @property
    def batch_folder(self) -> Path:
        """Folder of batches that are being worked off."""
        return self.batch_dir or self.data_dir / "batches"

    @property
    def trust_folder(self) -> Path:
        """Folder of trust anchors."""
        return self.trust_dir or self.data_dir / "trust"

    @property
    def signing_keys_folder(self) -> Path:
        """Folder of the facilities' signing keys."""
        return self.signing_keys_dir or self.data_dir / "keys"

    @property
    def content_keys_folder(self) -> Path:
        """Folder of the master keys that wrap the keys of stored claims."""
        return self.content_keys_dir or self.data_dir / "content-keys"

    @property
    def evidence_keys_folder(self) -> Path:
        """Folder of the service's own keys."""
        return self.evidence_keys_dir or self.data_dir / "evidence-keys"

    @property
    def sealing_key_path(self) -> Path:
        """File of the key that seals secrets in the database."""
        return self.sealing_key_file or self.data_dir / "seal.key"


def _given(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, field in Settings.model_fields.items():
        value = environment.get(PREFIX + name.upper())
        # An empty line of an environment file names no folder and no address: it leaves them open.
        if value or (value is not None and not isinstance(field.default, Path | None)):
            yield name, value


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        InvalidSettings: A variable is unknown or a value makes no sense.
    """
    environment = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    problems = [f"{name} is not a setting" for name in unknown]
    try:
        settings = Settings.model_validate(dict(_given(environment)))
    except ValidationError as error:
        problems += [
            f"{PREFIX}{'.'.join(str(part) for part in one['loc']).upper()}: {told(one)}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidSettings(tuple(problems)) from None
    problems += _contradictions(settings)
    if problems:
        raise InvalidSettings(tuple(problems))
    return settings


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.send_lease_s <= _EXCHANGES * settings.gateway_exchange_s:
        yield (
            f"{PREFIX}SEND_LEASE_S must exceed {_EXCHANGES} times what one exchange may take, "
            f"{_EXCHANGES * settings.gateway_exchange_s:g} s"
        )
    if settings.dropin and not (settings.dropin_networks or settings.dropin_certificate_header):
        yield f"{PREFIX}DROPIN needs {PREFIX}DROPIN_NETWORKS or {PREFIX}DROPIN_CERTIFICATE_HEADER"
    for wanted, is_wanted, needed in (
        ("DROPIN_CERTIFICATE_HEADER", settings.dropin_certificate_header, ("trusted_proxies",)),
        ("CLIENT_CERTIFICATE_HEADER", settings.client_certificate_header, ("trusted_proxies",)),
        ("CONTENT_KEYS_IN=token", settings.content_keys_in == "token", _TOKEN_NEEDS),
        ("CONTENT_KEYS_IN=service", settings.content_keys_in == "service", _KEY_SERVICE_NEEDS),
        ("ARCHIVE_STORE", settings.archive_store, ("timestamp_urls",)),
        ("OIDC_ISSUER", settings.oidc_issuer, _OIDC_NEEDS),
    ):
        missing = [f"{PREFIX}{name.upper()}" for name in needed if not getattr(settings, name)]
        if is_wanted and missing:
            yield f"{PREFIX}{wanted} needs {' and '.join(missing)}"

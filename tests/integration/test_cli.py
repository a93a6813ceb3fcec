"""The command line: JSON on standard output, people's text on standard error, telling exit codes."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from typer import Context
from typer._click import Command
from typer.core import TyperGroup
from typer.main import get_group

from claims import __version__
from claims.cli.app import app
from claims.cli.output import Exit
from claims.emr.synthetic import generate_encounters
from signing.certificates import to_pem
from signing.demo_pki import DemoPki
from tests.integration.command import claims, claims_from_scratch

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital's desk: encounters, its key, the authorities it trusts."""
    folder = tmp_path_factory.mktemp("desk")
    pki = DemoPki.create(at=NOW)
    pki.write(folder / "trust")
    key = pki.leaf("99001", valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=30))
    (folder / "key.p12").write_bytes(key.pkcs12)
    (folder / "passphrase").write_text(key.passphrase + "\n")
    (folder / "certificate.pem").write_bytes(to_pem(key.certificate))
    digest = hashlib.sha256(key.certificate.public_bytes(Encoding.DER)).hexdigest()
    (folder / "trust" / "facilities.csv").write_text(f"facility,certificate_sha256\n99001,{digest}\n")
    documents = generate_encounters(seed=3, count=3, facilities=["99001"], on=NOW.date())
    for number, document in enumerate(documents, start=1):
        (folder / f"e{number}.json").write_text(json.dumps(document, ensure_ascii=False))
    (folder / "broken.json").write_text('{"schema": "encounter/1"}')
    return folder


@pytest.fixture(scope="module")
def signed(folder: Path) -> Path:
    assert claims("build", folder / "e1.json", "-o", folder / "bundle.xml").code == Exit.FINE
    result = claims(
        "sign",
        folder / "bundle.xml",
        "--pkcs12",
        folder / "key.p12",
        "--passphrase-file",
        folder / "passphrase",
        "-o",
        folder / "signed.xml",
    )
    assert result.code == Exit.FINE, result.stderr
    return folder / "signed.xml"


def test_build_writes_one_bundle_to_standard_output(folder: Path) -> None:
    result = claims("build", folder / "e1.json")

    assert result.code == Exit.FINE
    assert result.stdout.startswith(b"<?xml") or result.stdout.startswith(b"<GIAMDINHHS")


def test_build_says_per_input_what_it_made_and_a_bad_one_stops_nothing(folder: Path, tmp_path: Path) -> None:
    result = claims(
        "build", folder / "e1.json", folder / "broken.json", folder / "e2.json", "-o", tmp_path, "--json"
    )

    first, broken, second = result.lines
    assert result.code == Exit.BLOCKED
    assert [one["input"] for one in (first, broken, second)] == [
        str(folder / name) for name in ("e1.json", "broken.json", "e2.json")
    ]
    assert broken["claims"] == []
    assert broken["refused"]
    assert isinstance(first["claims"], list)
    assert Path(first["claims"][0]["file"]).is_file()
    assert first["claims"][0]["tables"]["XML1"] == 1


def test_build_reads_standard_input(folder: Path) -> None:
    assert claims("build", "-", stdin=(folder / "e1.json").read_bytes()).code == Exit.FINE


def test_a_signed_bundle_verifies_and_passes_the_check(folder: Path, signed: Path) -> None:
    verified = claims("verify", signed, "--trust", folder / "trust", "--json")
    checked = claims("check", signed, "--trust", folder / "trust", "--json")

    assert verified.code == Exit.FINE, verified.stderr
    assert verified.lines[0]["indication"] == "TOTAL-PASSED"
    assert verified.lines[0]["scope"] == "whole-document"
    assert verified.lines[0]["facility"] == "99001"
    assert checked.code == Exit.FINE, checked.stderr
    assert (checked.lines[0]["valid"], checked.lines[0]["acceptable"]) == (True, True)


def test_a_changed_bundle_fails_both(folder: Path, signed: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.xml"
    changed.write_bytes(signed.read_bytes().replace(b"<SOLUONGHOSO>1<", b"<SOLUONGHOSO>2<"))

    verified = claims("verify", changed, "--trust", folder / "trust", "--json")
    checked = claims("check", changed, "--trust", folder / "trust", "--json")

    assert verified.code == checked.code == Exit.BLOCKED
    assert verified.lines[0]["indication"] == "TOTAL-FAILED"
    assert verified.lines[0]["reasons"] == ["signature.digest_mismatch"]
    assert checked.lines[0]["acceptable"] is False


def test_verify_holds_a_bundle_to_the_facility_it_must_be(folder: Path, signed: Path) -> None:
    result = claims("verify", signed, "--trust", folder / "trust", "--facility", "99002", "--json")

    assert result.code == Exit.BLOCKED
    # EN 319 102-1, table 6: the signature holds, but not on the terms that are asked for.
    assert result.lines[0]["indication"] == "INDETERMINATE"
    assert result.lines[0]["sub_indication"] == "SIG_CONSTRAINTS_FAILURE"
    assert result.lines[0]["reasons"] == ["document.other_facility", "certificate.other_facility"]


def test_verify_judges_as_of_a_given_time(folder: Path, signed: Path) -> None:
    later = (NOW + timedelta(days=60)).isoformat()

    assert claims("verify", signed, "--trust", folder / "trust", "--at", later, "--json").lines[0][
        "reasons"
    ] == ["certificate.expired"]


def test_an_unsigned_bundle_can_be_checked_without_a_trust_folder(folder: Path, signed: Path) -> None:
    assert claims("check", folder / "bundle.xml").code == Exit.FINE


def test_findings_are_said_in_the_language_asked_for(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.xml"
    empty.write_bytes(b"")

    vietnamese, english = claims("check", empty), claims("check", empty, "--language", "en")

    assert vietnamese.stderr != english.stderr
    assert (vietnamese.code, english.code) == (Exit.BLOCKED, Exit.BLOCKED)


def test_a_wrong_passphrase_is_said_plainly(folder: Path, signed: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")

    result = claims(
        "sign",
        folder / "bundle.xml",
        "--pkcs12",
        folder / "key.p12",
        "--passphrase-file",
        tmp_path / "wrong",
        "-o",
        tmp_path / "out.xml",
    )

    assert result.code == Exit.BLOCKED
    assert "mật khẩu không mở được tệp khóa" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out.xml").exists()


@pytest.mark.parametrize(
    ("arguments", "env", "code"),
    [
        pytest.param(["frobnicate"], {}, Exit.USAGE, id="no-such-command"),
        pytest.param(["check"], {}, Exit.USAGE, id="no-input"),
        pytest.param(["status", "sub_1"], {}, Exit.CONFIGURATION, id="no-key"),
        pytest.param(["facility", "list"], {}, Exit.CONFIGURATION, id="nothing-runs"),
        pytest.param(
            ["facility", "list"], {"CLAIMS_DATABSE_URL": "x"}, Exit.CONFIGURATION, id="misspelled-setting"
        ),
        pytest.param(
            ["facility", "list"], {"CLAIMS_DATABASE_URL": "x"}, Exit.CONFIGURATION, id="half-configured"
        ),
        pytest.param(
            ["facility", "list"], {"CLAIMS_POOL_SIZE": "many"}, Exit.CONFIGURATION, id="not-a-number"
        ),
        pytest.param(
            ["status", "sub_1"],
            {"CLAIMS_API_KEY": "ehs_a_b", "CLAIMS_API_URL": "http://127.0.0.1:1"},
            Exit.UNREACHABLE,
            id="nobody-answers",
        ),
        pytest.param(
            ["facility", "list"],
            {"CLAIMS_DATABASE_URL": "postgresql://127.0.0.1:1/x", "CLAIMS_BROKER_URL": "redis://127.0.0.1:1"},
            Exit.UNREACHABLE,
            id="no-database",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_exit_codes(arguments: list[str], env: dict[str, str], code: Exit) -> None:
    result = claims(*arguments, env=env)

    assert result.code == code, result.stderr
    assert result.stdout == b""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["submit", "x", "--parallel", "0"], "--parallel"),
        (["serve", "--port", "x"], "--port"),
        (["watch", "/nope"], "folder"),
        (["replay", "start"], "--where"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], named: str) -> None:
    result = claims(*arguments)

    assert result.code == Exit.USAGE
    assert f"'{named}'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_doctor_says_what_is_wrong_and_what_to_do() -> None:
    result = claims("doctor", "--json")

    assert result.code == Exit.CONFIGURATION
    checks = {str(one["check"]): one for one in result.lines}
    assert checks["settings"]["fine"] is True
    assert checks["servers"]["fine"] is False
    assert "claims serve" in str(checks["servers"]["remedy"])
    assert checks["trust"]["fine"] is False


@pytest.mark.slow
def test_the_doctor_finds_a_missing_migration(empty_database_url: str, broker_url: str) -> None:
    env = {"CLAIMS_DATABASE_URL": empty_database_url, "CLAIMS_BROKER_URL": broker_url}

    before = {one["check"]: one for one in claims("doctor", "--json", env=env).lines}
    migrated = claims("migrate", env=env)
    after = {one["check"]: one for one in claims("doctor", "--json", env=env).lines}

    assert migrated.code == Exit.FINE, migrated.stderr
    assert before["database"]["remedy"] == "run `claims migrate`"
    assert after["database"]["fine"] is True
    assert after["broker"]["fine"] is True


def test_a_file_that_cannot_be_read_does_not_stop_the_others(folder: Path, signed: Path) -> None:
    for command in ("verify", "check"):
        result = claims(command, folder / "nowhere.xml", signed, "--trust", folder / "trust", "--json")

        missing, good = result.lines
        assert result.code == Exit.BLOCKED
        assert "error" in missing
        assert good["file"] == str(signed)


@pytest.mark.parametrize(
    "command",
    ["build", "sign", "extend --level t", "submit", "paper", "catalogue gaps", "check", "inspect"],
)
def test_a_folder_without_files_never_passes_for_all_is_well(command: str, tmp_path: Path) -> None:
    result = claims(*command.split(), tmp_path)

    assert (result.code, "there is no " in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("command", [("worker", "--role", "check"), ("serve", "--port", "0")], ids=" ".join)
def test_nothing_starts_without_anybody_to_trust_and_both_languages_say_what_to_do(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    result = claims(*command, env={"CLAIMS_TRUST_DIR": str(tmp_path), "CLAIMS_DATA_DIR": str(tmp_path)})

    vietnamese, english = result.stderr.splitlines()
    assert (result.code, result.stdout) == (Exit.CONFIGURATION, b"")
    assert vietnamese.startswith(
        f"error: thư mục {tmp_path / 'anchors'} không có chứng thư số nào: hãy đặt vào"
    )
    assert english.startswith(f"the folder {tmp_path / 'anchors'} holds no certificate: put those of the")
    assert list(tmp_path.iterdir()) == []  # no server was started


@pytest.mark.parametrize("command", ["facility list", "restored", "migrate"])
def test_a_command_says_once_and_in_a_line_that_the_database_is_away(command: str) -> None:
    away = {
        "CLAIMS_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x",
        "CLAIMS_BROKER_URL": "redis://127.0.0.1:1/0",
    }

    result = claims(*command.split(), env=away)

    assert result.code == Exit.UNREACHABLE
    assert result.stderr.startswith("error: the database cannot be reached (")
    assert "Connection refused" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("LOG_LEVEL", "'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"),
        ("CONTENT_KEYS_IN", "'folder', 'token' or 'service'"),
        ("GATEWAY_GENERATION", "'decision', '917', '4210', '130', '4750' or '3176'"),
        ("GATEWAY_BODY", "'form' or 'json'"),
        ("UNKNOWN_FIELDS", "'info', 'warning', 'error' or 'critical'"),
    ],
)
def test_a_setting_that_is_one_of_a_few_words_says_which(name: str, values: str) -> None:
    result = claims("facility", "list", env={f"CLAIMS_{name}": "foo"})

    assert result.code == Exit.CONFIGURATION
    assert result.stderr == f"error: CLAIMS_{name}: Input should be {values}\n"


def commands_of(group: TyperGroup) -> Iterator[tuple[str, Command]]:
    context = Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {below}", one) for below, one in commands_of(command))
        else:
            yield name, command


def test_every_command_has_help() -> None:
    listed = claims("--help")
    commands = dict(commands_of(get_group(app)))

    assert listed.code == Exit.FINE
    assert {"build", "sign", "verify", "check", "submit", "replay start", "archive verify"} <= commands.keys()
    for name, command in commands.items():
        assert name.split()[0] in listed.stdout.decode()
        assert command.help, name


@pytest.mark.parametrize(
    ("arguments", "env", "usage"),
    [
        pytest.param(["--help"], {"LC_ALL": "vi_VN"}, "Cách dùng: claims [TÙY CHỌN] LỆNH", id="locale"),
        pytest.param([], {"LC_ALL": "vi_VN"}, "Cách dùng: claims [TÙY CHỌN] LỆNH", id="nothing-given"),
        pytest.param(["--help", "--language", "vi"], {}, "Cách dùng: claims [TÙY CHỌN] LỆNH", id="asked"),
        pytest.param(
            ["-h", "--lang=en"], {"LC_ALL": "vi_VN"}, "Usage: claims [OPTIONS] COMMAND", id="english"
        ),
        pytest.param(["user", "role"], {"LC_ALL": "vi_VN"}, "Cách dùng: claims user role", id="group"),
        pytest.param(
            ["user", "--language", "vi", "role", "add", "-h"],
            {},
            "Cách dùng: claims user role add",
            id="below",
        ),
        pytest.param(["serve", "--lang", "vi", "-h"], {}, "Cách dùng: claims serve [TÙY CHỌN]", id="silent"),
        pytest.param(
            ["serve", "-h"], {"LC_ALL": "C.UTF-8"}, "Usage: claims serve [OPTIONS]", id="other-locale"
        ),
    ],
)
def test_help_is_in_the_language_of_its_reader(arguments: list[str], env: dict[str, str], usage: str) -> None:
    shown = claims(*arguments, env=env)

    assert usage in shown.stdout.decode()
    assert shown.stderr == ""


def test_help_in_vietnamese_says_what_the_english_one_does() -> None:
    shown = claims("check", "--help", env={"LC_ALL": "vi_VN", "COLUMNS": "300"}).stdout.decode()

    assert "Kiểm tra tệp hồ sơ như dịch vụ vẫn làm trước khi gửi, nhưng không gửi." in shown
    assert "─ Tham số ─" in shown
    assert "─ Tùy chọn ─" in shown
    assert "Tệp, thư mục chứa tệp, hoặc mẫu tên tệp; '-' là đầu vào chuẩn. [bắt buộc]" in shown
    assert "Mức độ do nơi cài đặt này thay đổi (TOML). [biến môi trường: CLAIMS_CHECK_POLICY]" in shown
    assert "Số tiến trình cùng kiểm tra. [mặc định: (mỗi nhân một tiến trình)]" in shown
    assert "Hiện phần trợ giúp này rồi thoát." in shown


def test_what_was_given_wrong_is_said_in_the_language_of_the_reader() -> None:
    given = ["check", "--langage", "x"]
    possible = "--catalogue, --lang, --language"

    vietnamese, english = claims(*given, env={"LC_ALL": "vi_VN"}), claims(*given, env={"LC_ALL": "C.UTF-8"})

    assert (vietnamese.code, english.code) == (Exit.USAGE, Exit.USAGE)
    assert vietnamese.stderr == f"lỗi: không có tùy chọn --langage (có thể là: {possible})\n"
    assert english.stderr == f"error: No such option: --langage (Possible options: {possible})\n"


def test_the_version_is_the_packages() -> None:
    assert claims("--version").stdout.decode() == f"claims {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["check", "/nowhere.xml"], ["facility", "list"], ["archive", "verify", "/nowhere"]],
    ids=" ".join,
)
def test_a_command_that_is_started_by_a_shell_says_the_same(arguments: list[str]) -> None:
    forked, started = claims(*arguments), claims_from_scratch(*arguments)

    assert (started.code, started.stdout, started.stderr) == (forked.code, forked.stdout, forked.stderr)


def test_who_registers_a_certificate_need_not_say_why(folder: Path, tmp_path: Path) -> None:
    done = claims(
        "certificate",
        "register",
        "99001",
        folder / "certificate.pem",
        env={"CLAIMS_DATA_DIR": str(tmp_path)},
    )

    assert "nothing runs in" in done.stderr

"""What `claims check --like` says of two rule sets, in Vietnamese and English."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from claims.checking.earlier import (
    ChangedReport,
    NoReport,
    OtherDocument,
    PartDifference,
    SeveralReports,
    StageDifference,
    ToldRuleSet,
)
from claims.checking.formats.places import words

_DIGITS_SHOWN: Final = 12
_SHA256_DIGITS: Final = 64

_PARTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "name": ("tên chính sách", "name of the policy"),
        "software": ("phần mềm", "program"),
        "rules": ("các quy tắc của phần mềm", "the program's rules"),
        "policy": ("chính sách", "policy"),
        "own_rules": ("quy tắc riêng", "own rules"),
        "catalogue": ("danh mục", "lists"),
        "format": ("dữ liệu định dạng", "data of the format"),
    }
)
#: What one does about each part, so that the old set is had again.
_WAYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "software": (
            "lệnh này của eHoSo {program} cho lại bộ quy tắc cũ; các bản cài cạnh nhau được",
            "this command of eHoSo {program} has the old set; versions install beside each other",
        ),
        "rules": ("đi cùng phần mềm", "they come with the program"),
        "policy": ("--policy với tệp khi đó", "--policy with the file of that time"),
        "own_rules": ("--own-rules với thư mục khi đó", "--own-rules with the folder of that time"),
        "catalogue": ("--catalogue với thư mục khi đó", "--catalogue with the folder of that time"),
        "format": (
            "CLAIMS_FORMAT_FOLDER với thư mục khi đó",
            "CLAIMS_FORMAT_FOLDER with the folder of that time",
        ),
    }
)
_WITHOUT: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "policy": ("bỏ --policy", "leave --policy out"),
        "own_rules": ("bỏ --own-rules", "leave --own-rules out"),
        "catalogue": ("bỏ --catalogue", "leave --catalogue out"),
        "format": ("bỏ CLAIMS_FORMAT_FOLDER", "unset CLAIMS_FORMAT_FOLDER"),
    }
)
_RENAMED: Final = (
    "nội dung như nhau, chỉ khác tên: ghi version trong catalogue.toml, hoặc gọi thư mục bằng tên cũ",
    "the same content under another name: give it a version in catalogue.toml, or the folder its old name",
)
_NONE: Final = ("không có", "none")
_NOT_SAID: Final = ("không ghi", "not said")
_SENTENCES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "part": ("{part}: khi đó {then}, nay {now}", "{part}: {then} then, {now} now"),
        "same_rules": ("đúng bộ quy tắc cũ {version}", "the old rule set, {version}"),
        "other_rules": (
            "KHÔNG phải bộ quy tắc cũ: khi đó {then}, nay {now}",
            "NOT the old rule set: {then} then, {now} now",
        ),
        "same_findings": (
            "kết quả như nhau: {count} điểm cần xem",
            "the same was found: {count} finding(s)",
        ),
        "other_findings": (
            "kết quả khác: {gone} mất, {new} mới, {changed} đổi mức độ, {count} như cũ",
            "what was found differs: {gone} gone, {new} new, {changed} of another weight, {count} the same",
        ),
        "unproven": (
            "báo cáo không ghi SHA-256 của tệp, nên không chứng minh được đây đúng là tệp đó",
            "the report holds no SHA-256 of the document, so that this is the same one is not proven",
        ),
        "stage": ("bước {stage}: khi đó {then}, nay {now}", "stage {stage}: {then} then, {now} now"),
        "unmet": (
            "khi đó biết, nay không (các quy tắc cần đến không chạy): {needs}",
            "known then and not now (the rules that need them were left out): {needs}",
        ),
        "met": ("nay biết, khi đó không: {needs}", "known now and not then: {needs}"),
        "signature": (
            "; cho --trust với thư mục khi đó",
            "; give --trust with the folder of that time",
        ),
        "history": (
            "; --history chỉ so với những tệp được cho",
            "; --history compares with the files that it is given alone",
        ),
        "gone": ("mất", "gone"),
        "new": ("mới", "new"),
        "changed": ("đổi mức độ", "other weight"),
        "change": ("khác", "change"),
    }
)


def describe_refusal(error: OtherDocument | ChangedReport, report: Path, language: str) -> str:
    """Say why a file is not compared with a report, or with any of a file of them."""
    return f"{report} {_in_vietnamese(error) if language == 'vi' else error}"


def _in_vietnamese(error: OtherDocument | ChangedReport) -> str:
    match error:
        case NoReport(count=1):
            about, digest = error.file or "tài liệu khác", error.file_sha256 or "không ghi"
            held = f"báo cáo này là của {about} (SHA-256 {digest})"
            return f"không có báo cáo của {error.name} (SHA-256 {error.sha256}); {held}"
        case NoReport():
            held = f"cả {error.count} báo cáo trong đó là của tài liệu khác"
            return f"không có báo cáo của {error.name} (SHA-256 {error.sha256}); {held}"
        case SeveralReports():
            return f"có {error.count} báo cáo của {error.name}, lúc {error.moments}: hãy chọn một"
        case ChangedReport():
            return "đã bị sửa tay: rule_set.sha256 không khớp với rule_set.parts"
        case _:
            return "là của tài liệu khác: ghi cơ sở khác hoặc mã liên kết khác"


def sentence(code: str, language: str, **values: object) -> str:
    """Return a sentence with its values."""
    return _in(language, _SENTENCES[code]).format(**values)


def describe_part(difference: PartDifference, then: ToldRuleSet, now: ToldRuleSet, language: str) -> str:
    """Say what part of the rule set differs, how, and what has the old one again."""
    name, before, after = difference.part, difference.then, difference.now
    part = _in(language, _PARTS[name]) if name in _PARTS else name
    programs = (then.program, now.program) if name == "software" else ("", "")
    if name == "policy" and before and after:
        # Its settings were taken over from the report: what may still differ is its file.
        before, after = before.partition("/")[0], after.partition("/")[0]
    shown = [
        _show(value, program, language) for value, program in zip((before, after), programs, strict=True)
    ]
    said = sentence("part", language, part=part, then=shown[0], now=shown[1])
    if name == "catalogue" and before and after and before.rpartition("+")[2] == after.rpartition("+")[2]:
        return f"{said}; {_in(language, _RENAMED)}"
    ways = _WITHOUT if before == "" else _WAYS
    if before is None or name not in ways:
        return said
    return f"{said}; {_in(language, ways[name]).format(program=then.program).replace('  ', ' ')}"


def describe_stage(difference: StageDifference, language: str) -> str:
    """Say what stage was looked at on one side alone."""
    word = words(language)
    sides = [
        _in(language, _NOT_SAID) if one is None else word[(one.why or one.outcome).value]
        for one in (difference.then, difference.now)
    ]
    said = sentence("stage", language, stage=difference.name, then=sides[0], now=sides[1])
    asks = difference.name == "signature" and difference.now is not None and difference.now.why is not None
    return said + (sentence("signature", language) if asks else "")


def describe_needs(code: str, needs: tuple[str, ...], language: str) -> str:
    """Say what rules knew on one side alone."""
    said = sentence(code, language, needs=", ".join(needs))
    return said + (sentence("history", language) if code == "unmet" and "history" in needs else "")


def _show(value: str | None, program: str, language: str) -> str:
    if not value:
        return _in(language, _NOT_SAID if value is None else _NONE)
    short = value[:_DIGITS_SHOWN] if len(value) >= _SHA256_DIGITS else value
    return f"eHoSo {program} ({short})" if program else short


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[0 if language == "vi" else 1]

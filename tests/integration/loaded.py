"""What the process that commands are forked off has done once: it has read the tables and the rules."""

from datetime import UTC, datetime

from claims.checking.check import CheckTerms, check_bundle
from claims.checking.formats.checked import describe_check
from claims.checking.samples import load_sample
from xsd.catalog import default_catalog

for _edition in default_catalog().editions:
    for _schema in _edition.tables.values():
        _ = _schema.model

_SAMPLE = load_sample("outpatient").write()
_REPORT = check_bundle(_SAMPLE, at=datetime(2026, 1, 1, tzinfo=UTC), terms=CheckTerms())
describe_check("sample", _SAMPLE, _REPORT, records_in=None)

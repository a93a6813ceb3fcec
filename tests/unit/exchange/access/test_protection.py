"""What everybody may know of a rejection does not tell what is protected."""

import pytest

from claims.exchange.access.protection import PROTECTED_CAUSE, told_cause


@pytest.mark.parametrize("code", ["XML6.RESTRICTED", "XML6.NGAY_KD_HIV"])
def test_a_code_that_names_a_protected_table_is_not_told(code: str) -> None:
    assert told_cause(code) == PROTECTED_CAUSE


@pytest.mark.parametrize("code", ["XML1.DATES", "schema.pattern", "XML61.X", "check.blocked"])
def test_other_codes_are(code: str) -> None:
    assert told_cause(code) == code

"""A few thousand mutants in every run; ``./run fuzz`` makes more."""

import pytest

from tests.fuzz.signatures import Fuzzer

pytestmark = pytest.mark.attack

MUTANTS = 3000


def test_no_mutant_passes_that_changed_what_is_covered() -> None:
    fuzzer = Fuzzer(seed=20261124)

    failures = [number for number in range(MUTANTS) if fuzzer.run_one(number) is not None]

    assert failures == []
    assert fuzzer.counts["refused"] > MUTANTS / 3
    assert fuzzer.counts["passed unchanged"] > 0

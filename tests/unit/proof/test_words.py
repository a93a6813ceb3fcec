"""Whatever is broken in an archive is said in words, in both languages."""

import re
from pathlib import Path

import pytest

from claims.proof import verification
from claims.proof.fault_words import SENTENCES, describe_fault
from claims.proof.verdict import Answer, Question, Statement
from claims.proof.words import fault
from signing.verdict import Reason

_CODE = re.compile(r'Broken(?:Container)?\(\s*"([a-z_]+\.[a-z_]+)"')


def test_every_code_has_its_sentence_and_no_sentence_is_left_over() -> None:
    folder = Path(verification.__file__).parent
    used = {code for path in folder.glob("*.py") for code in _CODE.findall(path.read_text("utf-8"))}
    used.add("container.unreadable")  # by the command that reads files
    # What else raises an error of proof is named by its question.
    used |= {f"{each}.broken" for each in ("head", "inclusion", "keys", "receipt", "records")}

    assert used == set(SENTENCES)
    assert all(vi and en and vi != en for vi, en in SENTENCES.values())


@pytest.mark.parametrize("language", ["vi", "en"])
def test_so_has_every_reason_of_a_verifier_of_signatures(language: str) -> None:
    for reason in Reason:
        assert describe_fault(reason, language) not in {"", reason}


def test_the_place_comes_first_and_the_code_last() -> None:
    broken = Statement(Question.DOCUMENTS, Answer.BROKEN, "documents.digest", "bundle.xml")

    assert fault(broken, "en") == "bundle.xml: this is not what the records name (documents.digest)"
    assert fault(Statement(Question.DOCUMENTS, Answer.HOLDS), "en") == ""


def test_a_timestamp_on_something_else_is_called_that_wherever_it_stands() -> None:
    assert describe_fault("timestamp.imprint", "en") == "the timestamp was given for something else"
    assert describe_fault("timestamp.imprint", "vi") == "dấu thời gian được cấp cho nội dung khác"

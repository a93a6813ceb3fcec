"""Other verifiers on some hundreds of documents; all of it by ``python -m tests.differential.compare``."""

from pathlib import Path

import pytest

from tests.differential.compare import ask, unexplained
from tests.differential.documents import Corpus
from tests.differential.verifiers import ACCEPTED, OURS

pytestmark = pytest.mark.attack


@pytest.mark.slow
def test_every_disagreement_with_others_is_explained(tmp_path: Path) -> None:
    corpus = Corpus()
    documents = corpus.make(1300)
    answers = ask(documents, corpus, tmp_path, everybody=False)

    assert unexplained(documents, answers) == []
    ours = [answer == ACCEPTED for answer in answers[OURS]]
    assert all(accepted for accepted, one in zip(ours, documents, strict=True) if one.kind == "valid")
    assert not any(accepted for accepted, one in zip(ours, documents, strict=True) if one.kind == "attack")

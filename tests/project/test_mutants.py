"""Tests of the list of mutations: each one still fits the source. `make mutants` runs them."""

from collections import Counter

import pytest
from tests.mutants.__main__ import MUTATIONS, ROOT
from tests.mutants.mutation import Mutation


@pytest.mark.parametrize("file", sorted({mutation.file for mutation in MUTATIONS}))
def test_every_mutation_fits_its_file(file: str) -> None:
    text = (ROOT / "src" / "katakei" / file).read_text(encoding="utf-8")
    for mutation in MUTATIONS:
        if mutation.file == file:
            assert mutation.applied(text) != text


def test_there_are_enough_mutations_and_none_twice() -> None:
    assert len(MUTATIONS) >= 150
    assert not [each for each, times in Counter(map(str, MUTATIONS)).items() if times > 1]


def test_a_mutation_that_no_longer_fits_is_an_error() -> None:
    with pytest.raises(ValueError, match="occurs 0 times"):
        Mutation("a.py", "old", "new").applied("text")
    with pytest.raises(ValueError, match="occurs 2 times"):
        Mutation("a.py", "old", "new").applied("old old")

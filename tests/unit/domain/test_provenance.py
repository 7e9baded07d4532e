"""Differences between two environments are named, in a fixed order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.provenance import Change, changes

SURROUNDINGS = st.dictionaries(st.sampled_from("abcde"), st.text(min_size=1, max_size=3))


def test_what_differs_is_named_with_both_sides() -> None:
    before = {"torch": "2.12", "device": "cpu", "plan": "whole"}
    after = {"torch": "2.13", "device": "cpu", "cuda": "13.0"}
    assert changes(before, after) == (Change("torch", "2.12", "2.13"), Change("plan", "whole", ""), Change("cuda", "", "13.0"))


@given(SURROUNDINGS, SURROUNDINGS)
def test_only_what_differs_is_named_and_all_of_it(before: dict[str, str], after: dict[str, str]) -> None:
    named = {change.name: (change.before, change.after) for change in changes(before, after)}
    for name in before.keys() | after.keys():
        assert (name in named) == (before.get(name) != after.get(name))
    assert all(before.get(name, "") == old and after.get(name, "") == new for name, (old, new) in named.items())

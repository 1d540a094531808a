"""The combinations of answers that are tried leave no two answers out."""

from itertools import combinations, product

import pytest
import yaml
from tests.template.harness import ROOT
from tests.template.matrix import ANSWERS, chosen, pairs

QUESTIONS = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def test_every_framework_is_tried_with_everything_and_with_nothing() -> None:
    short = chosen(whole=False)
    assert len(short) == 2 * len(ANSWERS["framework"])
    assert {(answers["framework"], answers["redis"]) for answers in short} == {
        *product(ANSWERS["framework"], [True, False])
    }


@pytest.mark.unhappy
def test_no_two_answers_never_meet() -> None:
    met = set().union(*(pairs(answers) for answers in chosen(whole=True)))
    for (one, ones), (other, others) in combinations(ANSWERS.items(), 2):
        for first, second in product(ones, others):
            assert ((one, first), (other, second)) in met


@pytest.mark.unhappy
def test_no_choice_of_the_template_is_left_out() -> None:
    free = {"project_name", "description", "bedplate_source"}
    for name, question in QUESTIONS.items():
        if name.startswith("_") or question.get("when") is False or name in free:
            continue
        choices = question.get("choices", {"yes": True, "no": False})
        assert set(choices.values()) == set(ANSWERS[name]), name

"""bedplate.rate"""

import pytest

from bedplate.errors import ConfigurationError
from bedplate.rate import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/minute", Rate(600, 60)),
        ("10/15 minutes", Rate(10, 900)),
        ("5 per 30s", Rate(5, 30)),
        ("1/day", Rate(1, 86400)),
        (" 20/Hour ", Rate(20, 3600)),
        ("3/2 hours", Rate(3, 7200)),
        ("100/s", Rate(100, 1)),
        ("7/5m", Rate(7, 300)),
    ],
)
def test_a_rate_is_read_as_people_write_it(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate
    assert Rate.parse(str(rate)) == rate


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text",
    [
        "",
        "600",
        "/minute",
        "600/",
        "600/fortnight",
        "-1/minute",
        "1.5/minute",
        "٣/minute",
        "9" * 20 + "/s",
        "1/minute; 2/s",
    ],
)
def test_what_is_no_rate_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Rate.parse(text)
    assert caught.value.message == "A rate is written as 600/minute or 10/15 minutes."


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("amount", "seconds"), [(0, 60), (-1, 60), (1, 0), (1, -1), (1, 400 * 86400)]
)
def test_a_rate_of_nothing_is_refused(amount: int, seconds: int) -> None:
    with pytest.raises(ConfigurationError):
        Rate(amount, seconds)

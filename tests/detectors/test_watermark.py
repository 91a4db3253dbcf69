"""The watermark: a function of the set of times, whatever their order, that no single wrong clock can move."""

from __future__ import annotations

from random import Random

import pytest

from detectors.panes import begin
from detectors.watermark import MINUTE, Clocks, hours_over, merged_to, reached

HOUR = 60 * MINUTE


def by_definition(times: list[tuple[str, int]]) -> int:
    latest = {name: max(at for who, at in times if who == name) for name, _ in times}
    return sorted(latest.values())[-3:][0] if latest else 0


def clocks_of(times: list[tuple[str, int]]) -> Clocks:
    clocks = Clocks()
    for name, at in times:
        clocks.hear("p", name, at)
    return clocks


@pytest.mark.parametrize("annotators", [1, 2, 3, 4, 9])
def test_it_is_the_third_highest_of_the_latest_times_in_any_order_with_any_repetition(annotators: int) -> None:
    random = Random(annotators)
    for _ in range(200):
        times = [(f"n{random.randrange(annotators)}", random.randint(1, 30)) for _ in range(random.randint(1, 40))]
        again = random.sample(times, len(times)) + random.choices(times, k=5)
        one, other = clocks_of(times), clocks_of(again)
        assert one.reached("p") == other.reached("p") == by_definition(times) == reached(one.latest("p").values())
        assert one.latest("p") == other.latest("p")


def test_after_somebody_is_forgotten_it_is_that_of_the_others() -> None:
    random = Random(5)
    for _ in range(200):
        times = [(f"n{random.randrange(6)}", random.randint(1, 30)) for _ in range(random.randint(1, 40))]
        clocks = clocks_of(times)
        for name in random.sample([f"n{number}" for number in range(6)], 4):
            was_there = any(who == name for who, _ in times)
            times = [(who, at) for who, at in times if who != name]
            assert clocks.forget("p", name) is was_there
            assert clocks.reached("p") == by_definition(times)
        later = [(f"n{random.randrange(6)}", random.randint(1, 60)) for _ in range(10)]
        for name, at in later:
            clocks.hear("p", name, at)
        assert clocks.reached("p") == by_definition([*times, *later])


@pytest.mark.parametrize("wrong", [1, 2])
def test_one_wrong_clock_or_two_cannot_move_it_ahead_of_the_others(wrong: int) -> None:
    times = [(f"n{number}", 100 + number) for number in range(5)]
    clocks = clocks_of(times)
    for number in range(wrong):
        clocks.hear("p", f"n{number}", 10**18)
    assert clocks.reached("p") <= max(at for _, at in times)
    clocks.hear("p", "n4", 1)
    assert clocks.reached("p") >= 102, "nor can one that is late hold it back"


def test_what_three_agree_on_never_goes_back_until_somebody_is_forgotten() -> None:
    random = Random(7)
    for _ in range(100):
        clocks, before = Clocks(), 0
        for _ in range(40):
            clocks.hear("p", f"n{random.randrange(6)}", random.randint(1, 50))
            assert clocks.agreed("p") >= before
            before = clocks.agreed("p")
            assert before == (clocks.reached("p") if len(clocks.latest("p")) >= 3 else 0)
    assert clocks.agreed("p") > 0
    for number in range(4):
        clocks.forget("p", f"n{number}")
    assert (clocks.agreed("p"), clocks.reached("p") > 0) == (0, True), "two are left"


def test_a_day_is_merged_so_many_days_after_it_is_over() -> None:
    end = begin(490_008)  # 490,008 hours are a number of days
    for days in (1, 35):
        assert merged_to(end + days * 24 * HOUR, 0, days) == 490_008
        assert merged_to(end + days * 24 * HOUR - 1, 0, days) == 490_008 - 24
        assert merged_to(end + days * 24 * HOUR + 90 * MINUTE, 90, days) == 490_008
    assert merged_to(0, 0, 35) == 0, "nobody has come"


def test_projects_have_their_own() -> None:
    clocks = Clocks()
    clocks.hear("a", "ann", 10)
    clocks.hear("b", "ann", 20)
    assert (clocks.reached("a"), clocks.reached("b"), clocks.reached("c")) == (10, 20, 0)
    assert not clocks.hear("a", "ann", 10), "nothing new"


def test_an_hour_is_over_when_its_end_is_so_long_ago() -> None:
    end = begin(490_001)
    assert hours_over(end, 0) == 490_001
    assert hours_over(end - 1, 0) == 490_000
    assert hours_over(end + 90 * MINUTE, 90) == 490_001
    assert hours_over(end + 90 * MINUTE - 1, 90) == 490_000
    assert hours_over(0, 60) == 0, "nobody has come"

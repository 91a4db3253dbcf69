"""The campaign is deterministic, valid but for what is broken on purpose, and hides what it says it hides."""

from __future__ import annotations

import argparse
import gzip
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams import simulator
from streams.errors import Refused
from streams.events import Annotation, Gold, microseconds
from streams.parsing import REASONS, DeadLetter, Parser
from streams.simulator import GOES_BAD_AFTER, RATE, START, Campaign, Message

MINUTE = round(60 * RATE)


def messages(seed: int, count: int) -> list[Message]:
    return list(itertools.islice(Campaign(seed).messages(START), count))


def test_a_seed_is_a_campaign() -> None:
    once, again = messages(3, 5000), messages(3, 5000)
    assert once == again
    assert once != messages(4, 5000)
    assert [message.due for message in once[:3]] == [0, 1 / RATE, 2 / RATE]


def test_another_call_begins_again() -> None:
    campaign = Campaign(1)
    endless = campaign.messages(START)
    first = [next(endless) for _ in range(100)]
    assert list(itertools.islice(campaign.messages(START), 100)) == first


def test_a_later_start_moves_every_event() -> None:
    later = datetime(2026, 2, 5, 8, tzinfo=UTC)
    parse = Parser().parse_event
    for here, there in zip(messages(1, 2000), Campaign(1).messages(later), strict=False):
        one, two = parse(here.value), parse(there.value)
        if isinstance(one, DeadLetter) or isinstance(two, DeadLetter):
            continue
        assert two.at - one.at == microseconds(later) - microseconds(START)


def test_only_what_is_broken_on_purpose_is_refused() -> None:
    parser = Parser()
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for message in messages(2, 5 * MINUTE):
        [outcome] = parser.parse(message.value)
        kinds[message.type] += 1
        if message.type == "broken":
            assert isinstance(outcome, DeadLetter), message.value
            reasons[outcome.reason] += 1
        else:
            assert type(outcome).__name__.lower() == message.type
            assert not isinstance(outcome, DeadLetter)
            assert outcome.project == message.project
    assert kinds["annotation"] > 0.9 * 5 * MINUTE
    assert min(kinds[kind] for kind in ("gold", "review", "retraction")) > 150
    assert kinds["context"] == 3
    assert 20 < kinds["broken"] < 100
    assert len(reasons) == 7
    assert set(reasons) <= set(REASONS)


def test_random_ids_do_not_repeat() -> None:
    campaign = Campaign(1, random_ids=True)
    parse = Parser().parse_event
    found = [parse(message.value) for message in itertools.islice(campaign.messages(START), 5000)]
    new = [e for e in found if isinstance(e, Annotation) and not e.revision]
    assert len(new) - len({e.id for e in new}) < 50  # the duplicates on purpose
    assert len({e.item for e in new}) > 1000
    assert [e.id for e in new] != sorted(e.id for e in new)


def test_the_cast() -> None:
    campaign = Campaign(5)
    people = [annotator for project in campaign.projects for annotator in project.annotators]
    assert len(campaign.projects) == 3
    assert len({annotator.name for annotator in people}) == len(people) == 40
    assert campaign.bad_annotator in people
    assert all(3 <= len(project.labels) <= 6 for project in campaign.projects)
    assert sum(project.ambiguous is not None for project in campaign.projects) == 1


@dataclass
class Watch:
    """Folds a campaign naively: who answered which gold item how, and a plain CUSUM for each annotator."""

    gold: dict[tuple[str, str], str] = field(default_factory=dict)
    waiting: defaultdict[tuple[str, str], list[tuple[str, object]]] = field(default_factory=lambda: defaultdict(list))
    labels: defaultdict[tuple[str, str], dict[str, object]] = field(default_factory=lambda: defaultdict(dict))
    answers: Counter[tuple[str, bool]] = field(default_factory=Counter)  # (annotator, after the change)
    errors: Counter[tuple[str, bool]] = field(default_factory=Counter)
    by_item: defaultdict[tuple[str, str], list[bool]] = field(default_factory=lambda: defaultdict(list))
    sums: Counter[str] = field(default_factory=Counter)
    alarms: dict[str, float] = field(default_factory=dict)
    late_gold: int = 0

    def fold(self, campaign: Campaign, seconds: float) -> Watch:
        parse = Parser().parse_event
        seen: set[str] = set()
        for message in itertools.islice(campaign.messages(START), round(seconds * RATE)):
            if message.type not in ("annotation", "gold"):
                continue
            event = parse(message.value)
            if isinstance(event, Gold):
                item = event.project, event.item
                [accepted] = event.accepted
                self.gold[item] = str(accepted.label)
                waiting = self.waiting.pop(item, [])
                self.late_gold += bool(waiting)
                for annotator, label in waiting:
                    self._answer(item, annotator, label, message.due)
            elif isinstance(event, Annotation) and event.id not in seen and not event.revision:
                seen.add(event.id)
                item = event.project, event.item
                if event.skipped:
                    continue
                self.labels[item][event.annotator] = event.label
                if item in self.gold:
                    self._answer(item, event.annotator, event.label, message.due)
                else:
                    self.waiting[item].append((event.annotator, event.label))
        return self

    def _answer(self, item: tuple[str, str], annotator: str, label: object, due: float) -> None:
        wrong = label != self.gold[item]
        after = due >= GOES_BAD_AFTER
        self.answers[annotator, after] += 1
        self.errors[annotator, after] += wrong
        self.by_item[item].append(wrong)
        self.sums[annotator] = max(0, self.sums[annotator] + (10 if wrong else -1))
        if self.sums[annotator] >= 48:
            self.alarms.setdefault(annotator, due)


WATCHED = 300  # seconds


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plain_cusum_finds_the_bad_annotator_and_nobody_else(seed: int) -> None:
    campaign = Campaign(seed)
    watch = Watch().fold(campaign, WATCHED)
    bad = campaign.bad_annotator.name
    before = watch.errors[bad, False] / watch.answers[bad, False]
    after = watch.errors[bad, True] / watch.answers[bad, True]
    healthy = {
        name: sum(watch.errors[name, when] for when in (False, True))
        / sum(watch.answers[name, when] for when in (False, True))
        for name in {name for name, _ in watch.answers} - {bad}
    }
    print(
        f"seed {seed}: {bad} errs {before:.3f} of {watch.answers[bad, False]} before, {after:.3f} of "
        f"{watch.answers[bad, True]} after, alarm at {watch.alarms.get(bad)} s; the others {min(healthy.values()):.4f} "
        f"to {max(healthy.values()):.4f}, alarms {watch.alarms}"
    )
    assert list(watch.alarms) == [bad]
    assert GOES_BAD_AFTER < watch.alarms[bad] < 60
    assert before < 0.15
    assert 0.45 < after < 0.55
    assert max(healthy.values()) < 0.04
    assert watch.answers[bad, False] + watch.answers[bad, True] > 1.2 * WATCHED  # over one gold answer a second


def test_shares_and_secrets() -> None:
    campaign = Campaign(6)
    watch = Watch().fold(campaign, 300)
    items = len(watch.labels)
    assert 0.13 < len(watch.gold) / items < 0.17
    assert 0.1 < watch.late_gold / len(watch.gold) < 0.25
    assert 2.8 < sum(map(len, watch.labels.values())) / items < 3.6

    [project] = [project for project in campaign.projects if project.ambiguous]
    assert project.ambiguous is not None
    ambiguous, other = project.ambiguous
    disagreements = Counter(
        tuple(sorted(map(str, set(labels.values()))))
        for (name, _), labels in watch.labels.items()
        if name == project.name and len(set(labels.values())) == 2
    )
    assert disagreements.most_common(1)[0][0] == tuple(sorted((ambiguous, other)))

    name = campaign.wrong_key_project.name
    contested = [wrong for item, wrong in watch.by_item.items() if item[0] == name and sum(wrong) > 4]
    [wrong_key] = contested
    assert len(wrong_key) == len(campaign.wrong_key_project.annotators)


def simulate(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    simulator.add_arguments(parser)
    return simulator.run(parser.parse_args(arguments))


def test_the_command_writes_json_lines(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert simulate("--events", "500", "--seed", "9", "--rate", "50") == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert lines == [message.value for message in itertools.islice(Campaign(9).messages(START, 50), 500)]

    plain, packed = tmp_path / "campaign.jsonl", tmp_path / "campaign.jsonl.gz"
    for path in (plain, packed):
        assert simulate("--events", "500", "--seed", "9", "--rate", "50", "--output", str(path)) == 0
    assert plain.read_bytes().splitlines() == lines
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_the_command_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (
        ["--rate", "0"],
        ["--rate", "nan"],
        ["--events", "-1"],
        ["--start", "2026-01-05"],
        ["--start", "yesterday"],
        ["--start", "1980-01-01T00:00:00Z"],
    ):
        with pytest.raises(SystemExit) as stop:
            simulate(*wrong)
        assert stop.value.code == 2
        assert f"argument {wrong[0]}: expected" in capsys.readouterr().err
    with pytest.raises(Refused, match="cannot be written"):
        simulate("--output", str(tmp_path / "no" / "campaign.jsonl"))
    with pytest.raises(Refused, match="after 2099"):
        simulate("--start", "2099-12-31T23:59:59Z")
    with pytest.raises(Refused, match="after 2099"):
        simulate("--events", "1000000000000", "--rate", "0.000001")

"""The plan of topics, and what is refused before anything is created; creation itself needs a real broker."""

from __future__ import annotations

import argparse

import pytest

from streams import topics
from streams.broker import DemoBroker
from streams.errors import Refused, Unavailable
from streams.settings import Settings, read_settings
from streams.topics import Cluster, create, planned

DAY = 86_400_000


def test_the_topics_are_planned_from_the_keys():
    settings = read_settings(
        {
            "kafka": {
                "topics": ["a", "b", "c"],
                "alerts_topic": "al",
                "dead_letters_topic": "dl",
                "partitions": 7,
                "replication_factor": 3,
                "retention_days": 400,
                "alerts_retention_days": 2,
                "dead_letters_retention_days": -1,
            }
        },
        {},
    )
    plan = {topic.name: topic for topic in planned(settings)}
    assert {name: (topic.consumed, topic.partitions, topic.replication_factor) for name, topic in plan.items()} == {
        "a": (True, 7, 3),
        "b": (True, 7, 3),
        "c": (True, 7, 3),
        "al": (False, 7, 3),
        "dl": (False, 7, 3),
    }
    assert (
        plan["a"].config
        == plan["c"].config
        == {
            "cleanup.policy": "delete",
            "retention.ms": str(400 * DAY),
            "max.message.bytes": "2097152",
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": "2",
        }
    )
    assert (plan["al"].config["retention.ms"], plan["dl"].config["retention.ms"]) == (str(2 * DAY), "-1")


@pytest.mark.parametrize("copies", [-1, 1, 2])
def test_two_copies_in_step_are_asked_for_only_where_there_are_three(copies):
    plan = planned(read_settings({"kafka": {"replication_factor": copies}}, {}))
    assert all("min.insync.replicas" not in topic.config for topic in plan)
    assert all(topic.replication_factor == copies for topic in plan)


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    topics.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def mock():
    """A broker whose gold topic has another count than its annotations topic, and no other topics."""
    with DemoBroker({"annotations": 4, "gold": 3}) as broker:
        yield broker


def settings_for(broker, **keys) -> Settings:
    return read_settings({"kafka": {"bootstrap_servers": broker.bootstrap_servers, **keys}}, {}, "kw.toml")


def test_the_broker_is_asked_for_counts_without_creating_a_topic(mock):
    settings = settings_for(mock, topics=["annotations", "unknown"])
    assert Cluster(settings, 20).partitions() == {"annotations": 4, "gold": 3}
    assert Cluster(settings, 20).partitions() == {"annotations": 4, "gold": 3}


def test_another_partition_count_is_refused_with_the_remedy(mock):
    message = (
        r"^kw.toml: topic gold: expected 4 partitions \(kafka.partitions, equal for all consumed topics\), found 3; "
        r"nothing was created. Set kafka.partitions \(or --partitions\) to 3"
    )
    with pytest.raises(Refused, match=message):
        create(settings_for(mock, partitions=4), 20)
    assert set(Cluster(settings_for(mock), 20).partitions()) == {"annotations", "gold"}


def test_a_topic_that_is_not_consumed_may_have_another_count(mock):
    keys = {
        "topics": ["annotations"],
        "alerts_topic": "gold",
        "dead_letters_topic": "annotations.dead",
        "partitions": 4,
    }
    plan = planned(settings_for(mock, **keys))
    topics._check_counts(plan, {"annotations": 4, "gold": 3}, settings_for(mock, **keys))


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_a_consumed_topic_that_is_compacted_is_refused(policy):
    consumed, _, alerts, _ = planned(Settings())
    with pytest.raises(
        Refused, match=f"topic annotations: expected cleanup.policy=delete, found {policy}; nothing was"
    ):
        topics._differences(consumed, {"cleanup.policy": policy}, Settings())
    assert topics._differences(alerts, {"cleanup.policy": policy}, Settings()) == [
        f"cleanup.policy is {policy}, kappawatch would set delete"
    ]


def test_a_topic_with_the_planned_settings_has_no_differences():
    for topic in planned(Settings()):
        assert topics._differences(topic, {**topic.config, "segment.bytes": "1"}, Settings()) == []
        assert topics._differences(topic, {}, Settings()) == []


def test_a_broker_that_is_away_is_given_up_on(monkeypatch):
    monkeypatch.setenv("KAPPAWATCH_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(
        Unavailable, match=r"^Kafka at 127.0.0.1:1: expected an answer within 0.3 s, found none \(.*refused"
    ):
        topics.run(parse("create", "--timeout", "0.3"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--partitions", "0"], "argument --partitions"),
        (["--replication-factor", "0"], "argument --replication-factor"),
    ],
)
def test_an_argument_is_checked_like_its_key(arguments, says):
    with pytest.raises(Refused, match=f"^{says}: expected a whole number"):
        topics.run(parse("create", *arguments))

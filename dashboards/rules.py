"""Prometheus recording rules and alerts, in the language of Prometheus 2.42."""

from dataclasses import dataclass
from typing import Literal

from dashboards.panels import Json
from dashboards.thresholds import (
    AGREEMENT_MINIMUM_ITEMS,
    AGREEMENT_TENTATIVE,
    BURNS,
    CATCH_UP_SECONDS,
    DEAD_LETTER_MINIMUM,
    DEAD_LETTER_OBJECTIVE,
    HEARTBEAT_STALE_SECONDS,
    IDLE_MINIMUM_EVENTS,
    IDLE_SECONDS,
    NORMAL_QUANTILE_95,
    Burn,
    Severity,
)
from streams.catalogue import GOLD_MINIMUM_ANSWERS, GOLD_TARGET

Team = Literal["annotation-qa", "platform"]
Scope = Literal["project", "pipeline"]

# An hour shows a fault while it happens; a day gathers enough gold in a slow project.
GOLD_WINDOWS = ("1h", "1d")
OVERVIEW = "kappawatch-overview"


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts point: a page for each runbook, and Grafana."""

    runbook: str = "{{ $externalURL }}/user/%s.md"
    """``%s`` is the alert's name; by default Prometheus itself serves the runbooks (--web.user-assets)."""
    grafana: str = "http://127.0.0.1:3000"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording rule, named ``level:metric:operations``."""

    name: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert before it gets what all alerts have: labels for routing and links."""

    name: str
    expr: str
    sustained: str
    """How long the condition must hold before the alert fires (``for``)."""
    keep: str
    """How long it goes on after the condition ended (``keep_firing_for``)."""
    severity: Severity
    team: Team
    scope: Scope
    signal: str
    summary: str
    description: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules evaluated together, in order."""

    name: str
    interval: str
    rules: tuple[Recorded | Alert, ...]


def latest(metric: str, by: str, selector: str = "") -> str:
    """A statistic whoever exports it: one failed scrape, or two workers while a project moves, change nothing."""
    return f"max by ({by}) (max_over_time({metric}{selector}[2m]))"


def groups() -> tuple[Group, ...]:
    """Every rule of kappawatch."""
    return (
        Group("kappawatch-quality", "30s", (*_gold_records(), *_quality_alerts())),
        Group("kappawatch-pipeline", "15s", (*_pipeline_records(), *_pipeline_alerts())),
        Group("kappawatch-dead-letters", "30s", (*_dead_letter_records(), *map(_dead_letters_high, BURNS))),
        Group("kappawatch-watchdog", "15s", (_watchdog(),)),
    )


def recorded_names() -> frozenset[str]:
    """The series that dashboards may read beside the catalogue."""
    return frozenset(rule.name for group in groups() for rule in group.rules if isinstance(rule, Recorded))


def alerts() -> tuple[Alert, ...]:
    """Every alert, in order."""
    return tuple(rule for group in groups() for rule in group.rules if isinstance(rule, Alert))


def rule_file(links: Links) -> Json:
    """The rule file as Prometheus reads it."""
    return {
        "groups": [
            {
                "name": group.name,
                "interval": group.interval,
                "rules": [
                    _recording_rule(rule) if isinstance(rule, Recorded) else _alerting_rule(rule, links)
                    for rule in group.rules
                ],
            }
            for group in groups()
        ]
    }


def _recording_rule(rule: Recorded) -> Json:
    labels = {"labels": dict(rule.labels)} if rule.labels else {}
    return {"record": rule.name, "expr": rule.expr, **labels}


def _alerting_rule(alert: Alert, links: Links) -> Json:
    """The one place where labels and links are added, so that no alert can lack them."""
    project = "?var-project={{ $labels.project | urlquery }}" if alert.scope == "project" else ""
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.sustained,
        "keep_firing_for": alert.keep,
        "labels": {
            "severity": alert.severity,
            "team": alert.team,
            "scope": alert.scope,
            "signal": alert.signal,
            **dict(alert.labels),
        },
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": links.runbook % alert.name,
            "dashboard_url": f"{links.grafana}/d/{OVERVIEW}/{project}",
        },
    }


# --- quality of the annotations -----------------------------------------------------------------


def _gold_records() -> list[Recorded]:
    rules = []
    for window in GOLD_WINDOWS:
        answers = f"project_task:kappawatch_gold_results:increase{window}"
        passes = f"project_task:kappawatch_gold_passes:increase{window}"
        accuracy = f"project_task:kappawatch_gold_accuracy:ratio_increase{window}"
        rules += [
            Recorded(answers, _gold_net(window)),
            Recorded(passes, _gold_net(window, '{outcome="pass"}')),
            # Edits may take back more passes than the window added: clamped, as a share must be.
            Recorded(accuracy, f"clamp({passes} / ({answers} > 0), 0, 1)"),
            Recorded(f"project_task:kappawatch_gold_accuracy_upper:ratio_increase{window}", _wilson(accuracy, answers)),
        ]
    return rules


def _gold_net(window: str, selector: str = "") -> str:
    """Gold results added less those taken back, by project and task."""
    added = f"sum by (project, task) (increase(kappawatch_gold_results_total{selector}[{window}]))"
    taken = f"sum by (project, task) (increase(kappawatch_gold_results_retracted_total{selector}[{window}]))"
    return f"{added}\n- ({taken} or 0 * {added})"


def _wilson(p: str, n: str) -> str:
    """Upper bound of Wilson's interval, one-sided 95 %: (p + z²/2n + z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    z = f"{NORMAL_QUANTILE_95}"
    root = f"sqrt({p} * (1 - {p}) / {n} + {z}^2 / (4 * {n}^2))"
    return f"({p} + {z}^2 / (2 * {n})\n  + {z} * {root}\n) / (1 + {z}^2 / {n})"


def _quality_alerts() -> list[Alert]:
    gold_low = "\nor\n".join(
        f"(project_task:kappawatch_gold_accuracy_upper:ratio_increase{window} < {GOLD_TARGET}\n"
        f"  and project_task:kappawatch_gold_results:increase{window} >= {GOLD_MINIMUM_ANSWERS})"
        for window in GOLD_WINDOWS
    )
    upper = latest("kappawatch_agreement_upper_ratio", "project, task", '{coefficient="alpha"}')
    items = latest("kappawatch_pairable_items", "project, task")
    alarms = latest("kappawatch_alarms", "project, task, kind, severity")
    idle = "time() - max by (project) (kappawatch_last_event_timestamp_seconds)"
    before = 'sum by (project) (increase(kappawatch_events_total{outcome="applied"}[1h] offset 15m))'
    return [
        Alert(
            "KappawatchGoldAccuracyLow",
            gold_low,
            sustained="10m",
            keep="15m",
            severity="warning",
            team="annotation-qa",
            scope="project",
            signal="gold",
            summary="Accuracy on gold items is below target.",
            description=(
                "Project {{ $labels.project }}, task {{ $labels.task }}: even the optimistic reading of the recent "
                f"gold results ({{{{ $value | humanizePercentage }}}}) is under {GOLD_TARGET:.0%}."
            ),
        ),
        Alert(
            "KappawatchAgreementLow",
            f"{upper} < {AGREEMENT_TENTATIVE}\nand\n{items} >= {AGREEMENT_MINIMUM_ITEMS}",
            sustained="15m",
            keep="15m",
            severity="warning",
            team="annotation-qa",
            scope="project",
            signal="agreement",
            summary="Annotators agree too little to rely on the labels.",
            description=(
                "Project {{ $labels.project }}, task {{ $labels.task }}: even the upper bound of Krippendorff's alpha "
                f'({{{{ $value | printf "%.2f" }}}}) is under {AGREEMENT_TENTATIVE}.'
            ),
        ),
        Alert(
            # The detectors have hysteresis of their own, so an alarm need not last long to be passed on.
            "KappawatchAlarmOpen",
            f"sum by (project, task, kind) ({alarms}) > 0",
            sustained="1m",
            keep="5m",
            severity="warning",
            team="annotation-qa",
            scope="project",
            signal="alarm",
            summary="The monitor has raised an alarm.",
            description=(
                "Project {{ $labels.project }}, task {{ $labels.task }}: {{ $value }} open of kind {{ $labels.kind }}. "
                "`kappawatch show` names the subject and the evidence."
            ),
        ),
        Alert(
            # Ends by itself an hour after the silence began, so that a finished project does not stay on the list.
            "KappawatchNoEvents",
            f"{idle} > {IDLE_SECONDS}\nand\n{before} >= {IDLE_MINIMUM_EVENTS}",
            sustained="2m",
            keep="0s",
            severity="warning",
            team="annotation-qa",
            scope="project",
            signal="flow",
            summary="A busy project has fallen silent.",
            description=(
                "Project {{ $labels.project }}: no event for {{ $value | humanizeDuration }}, "
                "after a busy hour before that."
            ),
        ),
    ]


# --- the pipeline itself ------------------------------------------------------------------------


def _pipeline_records() -> list[Recorded]:
    end = "max by (topic, partition) (kappawatch_partition_end_offset)"
    position = "max by (topic, partition) (kappawatch_partition_position)"
    return [
        Recorded("topic_partition:kappawatch_partition_position:max", position),
        Recorded("topic_partition:kappawatch_lag:max", f"clamp_min({end} - {position}, 0)"),
        Recorded(
            "instance:kappawatch_lag:max",
            "max by (instance) (kappawatch_partition_end_offset - kappawatch_partition_position)",
        ),
    ]


def _pipeline_alerts() -> list[Alert]:
    lag = "topic_partition:kappawatch_lag:max"
    failed = "kappawatch_outbox_failed_total"
    speed = "clamp_min(deriv(topic_partition:kappawatch_partition_position:max[15m]), 0)"
    return [
        Alert(
            "KappawatchWorkerDown",
            'up{job="kappawatch"} == 0\nor\nabsent(up{job="kappawatch"}) == 1',
            sustained="2m",
            keep="2m",
            severity="critical",
            team="platform",
            scope="pipeline",
            signal="worker",
            summary="A kappawatch worker cannot be scraped.",
            description=(
                "{{ with $labels.instance }}Worker {{ . }} has not answered{{ else }}No worker has answered{{ end }} "
                "Prometheus for two minutes."
            ),
        ),
        Alert(
            "KappawatchNotReady",
            "max by (instance) (max_over_time(kappawatch_ready[1m])) == 0",
            sustained="5m",
            keep="2m",
            severity="warning",
            team="platform",
            scope="pipeline",
            signal="ready",
            summary="A kappawatch worker is up but not ready.",
            description=(
                "Worker {{ $labels.instance }} is recovering, cannot reach the broker or the database, "
                "or falls behind without progress."
            ),
        ),
        Alert(
            # More than a minute to catch up at the present speed, for 15 minutes, and getting worse.
            "KappawatchLagGrowing",
            f"deriv({lag}[15m]) > 0\nand\nmin_over_time({lag}[15m]) > {CATCH_UP_SECONDS} * {speed}",
            sustained="10m",
            keep="10m",
            severity="warning",
            team="platform",
            scope="pipeline",
            signal="lag",
            summary="A partition is read more slowly than it is written.",
            description=(
                "Partition {{ $labels.partition }} of {{ $labels.topic }}: "
                'the lag grows by {{ $value | printf "%.1f" }} records a second. '
                "What the dashboards show is old and gets older."
            ),
        ),
        Alert(
            # A worker without work has nothing to commit: that stage counts only while its partitions lag.
            "KappawatchHeartbeatStale",
            f"{_silence('!=')} > {HEARTBEAT_STALE_SECONDS}\nor\n"
            f"({_silence('=')} > {HEARTBEAT_STALE_SECONDS}\n"
            "  and on (instance) min_over_time(instance:kappawatch_lag:max[5m]) > 0)",
            sustained="2m",
            keep="2m",
            severity="critical",
            team="platform",
            scope="pipeline",
            signal="heartbeat",
            summary="A stage of a kappawatch worker stands still.",
            description=(
                "Worker {{ $labels.instance }}: stage {{ $labels.stage }} finished its last round "
                "{{ $value | humanizeDuration }} ago."
            ),
        ),
        Alert(
            # A counter that begins at its first failure has not increased yet: it is new.
            "KappawatchOutboxFailed",
            f"sum by (topic) (increase({failed}[15m])) > 0\nor\n"
            f"sum by (topic) ({failed} unless {failed} offset 15m) > 0",
            sustained="0s",
            keep="15m",
            severity="warning",
            team="platform",
            scope="pipeline",
            signal="outbox",
            summary="The broker refused messages for good.",
            description=(
                "Topic {{ $labels.topic }}: messages of the outbox were refused and are marked failed; "
                "they will not be sent again by themselves."
            ),
        ),
    ]


def _silence(match: Literal["=", "!="]) -> str:
    """Seconds since the commit stage (or any other) of a worker finished a round."""
    return f'(time() - max by (instance, stage) (kappawatch_heartbeat_timestamp_seconds{{stage{match}"commit"}}))'


def _dead_letter_records() -> list[Recorded]:
    windows = dict.fromkeys(window for burn in BURNS for window in (burn.short, burn.long))
    return [
        Recorded(
            f"job:kappawatch_dead_letters:ratio_rate{window}",
            # A forwarded event is received again at home, and counted there.
            f'sum by (job) (rate(kappawatch_events_total{{outcome="dead_letter"}}[{window}]))\n'
            f'  / (sum by (job) (rate(kappawatch_events_total{{outcome!="forwarded"}}[{window}])) > 0)',
        )
        for window in windows
    ]


def _dead_letters_high(burn: Burn) -> Alert:
    limit = f"({burn.factor} * (1 - {DEAD_LETTER_OBJECTIVE}))"
    refused = f'sum by (job) (increase(kappawatch_events_total{{outcome="dead_letter"}}[{burn.long}]))'
    return Alert(
        "KappawatchDeadLettersHigh",
        f"job:kappawatch_dead_letters:ratio_rate{burn.long} > {limit}\n"
        f"and\njob:kappawatch_dead_letters:ratio_rate{burn.short} > {limit}\n"
        f"and\n{refused} >= {DEAD_LETTER_MINIMUM}",
        sustained=burn.sustained,
        keep="10m",
        severity=burn.severity,
        team="platform",
        scope="pipeline",
        signal="dead-letters",
        summary="Too many events are refused.",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the events of the last {burn.long} were refused; "
            f"{1 - DEAD_LETTER_OBJECTIVE:.1%} is the budget."
        ),
        labels=(("long", burn.long), ("short", burn.short)),
    )


def _watchdog() -> Alert:
    return Alert(
        "Watchdog",
        "vector(1)",
        sustained="0s",
        keep="0s",
        severity="info",
        team="platform",
        scope="pipeline",
        signal="watchdog",
        summary="Alerting works.",
        description="Fires always. When it stops arriving, Prometheus or Alertmanager is down.",
    )

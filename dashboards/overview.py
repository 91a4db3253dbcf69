"""The project overview: which project needs somebody now, how sure that is, and whether the monitor itself works."""

from dashboards.panels import (
    DATASOURCE,
    Column,
    Json,
    Query,
    Steps,
    arrange,
    stat,
    state_timeline,
    table,
    text,
    timeseries,
)
from dashboards.rules import OVERVIEW
from dashboards.thresholds import (
    AGREEMENT_GOOD,
    AGREEMENT_TENTATIVE,
    BURNS,
    COLLECT_SLOW_SECONDS,
    COMMIT_SLOW_SECONDS,
    DEAD_LETTER_OBJECTIVE,
    DELAY_BAD_SECONDS,
    DELAY_SLOW_SECONDS,
    HEARTBEAT_SLOW_SECONDS,
    HEARTBEAT_STALE_SECONDS,
    IDLE_SECONDS,
    SAMPLES_MANY,
    UNFIT_SHARE,
)
from streams.catalogue import GOLD_GOOD, GOLD_MINIMUM_ANSWERS, GOLD_TARGET

PROJECT = '{project=~"$project"}'
TASK = '{project=~"$project",task=~"$task"}'
COEFFICIENT = '{project=~"$project",task=~"$task",coefficient="$coefficient"}'
# Dead letters belong to no project.
PROJECT_OR_NONE = '{project=~"$project|"}'

AGREEMENT = Steps("red", ((AGREEMENT_TENTATIVE, "orange"), (AGREEMENT_GOOD, "green")))
GOLD = Steps("red", ((GOLD_TARGET, "orange"), (GOLD_GOOD, "green")))
ANY_IS_ORANGE = Steps("green", ((1, "orange"),))
HEARTBEAT = Steps("green", ((HEARTBEAT_SLOW_SECONDS, "orange"), (HEARTBEAT_STALE_SECONDS, "red")))

READING = """\
Every figure stands beside its **n** and its **95 % interval**; where a statistic is undefined there is a gap, not a zero.
Low agreement is as often the guideline's fault as the annotators': look at the items they disagree on before anybody is blamed."""


def latest(metric: str, by: str, selector: str = "") -> str:
    """A statistic whoever exports it: two workers may show a project for a moment while it moves."""
    return f"max by ({by}) ({metric}{selector})"


def overview() -> Json:
    """The dashboard as Grafana's JSON model."""
    return {
        "uid": OVERVIEW,
        "title": "kappawatch: project overview",
        "description": "Annotation quality by project: agreement, gold accuracy, drift, alarms, and the pipeline.",
        "tags": ["kappawatch"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "refresh": "30s",
        "templating": {"list": _variables()},
        "annotations": {"list": _annotations()},
        "links": [],
        "panels": arrange(
            [
                ("What needs attention", _attention()),
                ("Quality", _quality()),
                ("Annotators and labels", _people()),
                ("Drift and alarms", _drift()),
                ("Evidence", _evidence()),
                ("Events", _events()),
                ("Pipeline", _pipeline()),
            ]
        ),
    }


def _variables() -> list[Json]:
    datasource = {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus"}
    return [
        {**datasource, "refresh": 1, "regex": "", "multi": False, "includeAll": False, "hide": 0, "options": []},
        _variable("project", "Project", "label_values(kappawatch_annotations, project)", several=True),
        _variable("task", "Task", f"label_values(kappawatch_annotations{PROJECT}, task)", several=True),
        _variable("coefficient", "Coefficient", "label_values(kappawatch_agreement_ratio, coefficient)", several=False),
    ]


def _variable(name: str, label: str, query: str, *, several: bool) -> Json:
    """A variable whose values are a label's, read anew when the time range changes."""
    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        **({"allValue": ".*"} if several else {}),
        "current": everything if several else {"selected": True, "text": "alpha", "value": "alpha"},
        "hide": 0,
        "regex": "",
        "options": [],
    }


def _annotations() -> list[Json]:
    return [
        {
            "name": "Alerts",
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": "red",
            "expr": 'ALERTS{alertstate="firing",severity!="info",project=~"$project|"}',
            "titleFormat": "{{alertname}}",
            "textFormat": "{{project}} {{task}}",
            "step": "30s",
        },
        {
            "name": "Drift",
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": "orange",
            "expr": f"sum by (project, task, signal) (increase(kappawatch_drift_detections_total{TASK}[1m])) > 0",
            "titleFormat": "Drift of {{signal}}",
            "textFormat": "{{project}} {{task}}",
            "step": "60s",
        },
        {
            "name": "Marks",
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "iconColor": "blue",
            "target": {"type": "tags", "tags": ["kappawatch"], "matchAny": False, "limit": 100},
        },
    ]


def _attention() -> list[Json]:
    flagged = latest("kappawatch_flagged_annotator_info", "project, task, annotator", TASK)
    by_task = "project, task"
    annotators = latest("kappawatch_annotators", "project, task, band", TASK)
    return [
        text("How to read this", READING),
        stat(
            "Alerts firing",
            "What Prometheus has sent to Alertmanager.",
            [Query('count(ALERTS{alertstate="firing",severity!="info"}) or vector(0)', "alerts")],
            unit="short",
            steps=ANY_IS_ORANGE,
        ),
        stat(
            "Alarms open",
            "What the monitor has raised and the evidence has not yet cleared.",
            [
                Query(
                    f"sum({latest('kappawatch_alarms', 'project, task, kind, severity', TASK)}) or vector(0)", "alarms"
                )
            ],
            unit="short",
            steps=ANY_IS_ORANGE,
        ),
        stat(
            "Annotators flagged",
            "Annotators with an open alarm, how many more the list below leaves out, and tasks too small to be shown here.",
            [
                Query(f"count({flagged}) or vector(0)", "flagged"),
                Query(f"sum({latest('kappawatch_flagged_suppressed', 'project', PROJECT)}) or vector(0)", "not shown"),
                Query("sum(kappawatch_tasks_suppressed) or vector(0)", "tasks not shown"),
            ],
            unit="short",
            steps=ANY_IS_ORANGE,
            width=6,
        ),
        stat(
            "Since the last event",
            "Time since a project's last event was committed.",
            [Query(f"time() - {latest('kappawatch_last_event_timestamp_seconds', 'project', PROJECT)}", "{{project}}")],
            unit="s",
            steps=Steps("green", ((IDLE_SECONDS, "orange"),)),
            width=6,
        ),
        stat(
            "Oldest heartbeat",
            "Can these numbers be trusted? The stage of a worker that has stood still for longest; "
            "commits are left out, since without events there are none.",
            [Query('max(time() - kappawatch_heartbeat_timestamp_seconds{stage!="commit"})', "oldest")],
            unit="s",
            steps=HEARTBEAT,
        ),
        table(
            "Projects",
            "Every task with its agreement ($coefficient) and gold accuracy, their bounds and the n behind them.",
            [
                Query(latest("kappawatch_agreement_ratio", by_task, COEFFICIENT), "agreement"),
                Query(latest("kappawatch_agreement_lower_ratio", by_task, COEFFICIENT), "agreement low"),
                Query(latest("kappawatch_agreement_upper_ratio", by_task, COEFFICIENT), "agreement high"),
                Query(latest("kappawatch_pairable_items", by_task, TASK), "pairable items"),
                Query(latest("kappawatch_gold_ratio", by_task, TASK), "gold"),
                Query(latest("kappawatch_gold_lower_ratio", by_task, TASK), "gold low"),
                Query(latest("kappawatch_gold_upper_ratio", by_task, TASK), "gold high"),
                Query(latest("kappawatch_gold_answers", by_task, TASK), "gold answers"),
                Query(f"sum by ({by_task}) ({annotators})", "annotators"),
                Query(latest("kappawatch_annotations", by_task, TASK), "annotations"),
            ],
            {
                "Project": Column("project"),
                "Task": Column("task"),
                "Agreement": Column("agreement", steps=AGREEMENT),
                "low": Column("agreement low"),
                "high": Column("agreement high"),
                "Pairable items": Column("pairable items", "short"),
                "Gold accuracy": Column("gold", "percentunit", GOLD),
                "gold low": Column("gold low", "percentunit"),
                "gold high": Column("gold high", "percentunit"),
                "Gold answers": Column("gold answers", "short"),
                "Annotators": Column("annotators", "short"),
                "Annotations": Column("annotations", "short"),
            },
        ),
    ]


def _quality() -> list[Json]:
    by_task = "project, task"
    each = "project, task, coefficient"
    name = "{{project}} / {{task}}"
    return [
        timeseries(
            "Agreement ($coefficient) with interval",
            "Chance-corrected agreement of all counting labels; dashed: its 95 % interval and the limits.",
            [
                Query(latest("kappawatch_agreement_ratio", by_task, COEFFICIENT), name),
                Query(latest("kappawatch_agreement_lower_ratio", by_task, COEFFICIENT), f"{name} lower"),
                Query(latest("kappawatch_agreement_upper_ratio", by_task, COEFFICIENT), f"{name} upper"),
            ],
            unit="none",
            steps=AGREEMENT,
            maximum=1,
        ),
        table(
            "Agreement by coefficient",
            "Where coefficients part, the class balance matters: compare alpha with AC1 and percent.",
            [
                Query(latest("kappawatch_agreement_ratio", each, TASK), "value"),
                Query(latest("kappawatch_agreement_lower_ratio", each, TASK), "low"),
                Query(latest("kappawatch_agreement_upper_ratio", each, TASK), "high"),
            ],
            {
                "Project": Column("project"),
                "Task": Column("task"),
                "Coefficient": Column("coefficient"),
                "Agreement": Column("value", steps=AGREEMENT),
                "low": Column("low"),
                "high": Column("high"),
            },
            width=12,
        ),
        timeseries(
            "Gold accuracy with interval",
            "Share of the answers to gold items that are correct, since the project began; dashed: 95 % Wilson bounds.",
            [
                Query(latest("kappawatch_gold_ratio", by_task, TASK), name),
                Query(latest("kappawatch_gold_lower_ratio", by_task, TASK), f"{name} lower"),
                Query(latest("kappawatch_gold_upper_ratio", by_task, TASK), f"{name} upper"),
            ],
            unit="percentunit",
            steps=GOLD,
            minimum=0,
            maximum=1,
        ),
        timeseries(
            "Gold accuracy, last hour",
            "The same for the gold results of the last hour, edits taken back; dashed: its one-sided 95 % upper bound, "
            "which the alert reads.",
            [
                Query(f"project_task:kappawatch_gold_accuracy:ratio_increase1h{TASK}", name),
                Query(f"project_task:kappawatch_gold_accuracy_upper:ratio_increase1h{TASK}", f"{name} upper"),
            ],
            unit="percentunit",
            steps=GOLD,
            minimum=0,
            maximum=1,
        ),
    ]


def _people() -> list[Json]:
    bands = latest("kappawatch_annotators", "project, task, band", TASK)
    gold = latest("kappawatch_annotator_gold_accuracy_bucket", "project, task, le", TASK)
    agreement = latest("kappawatch_annotator_agreement_bucket", "project, task, le", TASK)
    answers = latest("kappawatch_gold_label_answers", "project, task, label, outcome", TASK)
    passed = latest(
        "kappawatch_gold_label_answers",
        "project, task, label",
        '{project=~"$project",task=~"$task",outcome="pass"}',
    )
    reviews = f"sum by (outcome) (increase(kappawatch_reviews_total{PROJECT}[1h]))"
    return [
        timeseries(
            "Annotators by band",
            f"By accuracy on gold: good from {GOLD_GOOD:.0%}, watch from {GOLD_TARGET:.0%}, poor below; too_few with under "
            f"{GOLD_MINIMUM_ANSWERS} answers. An annotator of two tasks counts in both.",
            [Query(f"sum by (band) ({bands})", "{{band}}")],
            unit="short",
            bars=True,
            minimum=0,
            width=8,
        ),
        timeseries(
            "Gold accuracy over annotators",
            f"A few bad ones, or everybody? The accuracy that a tenth, and half, of the annotators with {GOLD_MINIMUM_ANSWERS} "
            "answers do not exceed.",
            [
                Query(f"histogram_quantile(0.1, sum by (le) ({gold}))", "lowest tenth"),
                Query(f"histogram_quantile(0.5, sum by (le) ({gold}))", "median"),
            ],
            unit="percentunit",
            steps=GOLD,
            minimum=0,
            maximum=1,
            width=8,
        ),
        timeseries(
            "Agreement over annotators",
            "The same of the percent agreement with the others on the same items, which is not corrected for chance.",
            [
                Query(f"histogram_quantile(0.1, sum by (le) ({agreement}))", "lowest tenth"),
                Query(f"histogram_quantile(0.5, sum by (le) ({agreement}))", "median"),
            ],
            unit="percentunit",
            minimum=0,
            maximum=1,
            width=8,
        ),
        table(
            "Most confused labels",
            "Which definitions are unclear: of the pairs of labels on an item that have either label, the share that are "
            "one and the other.",
            [
                Query(
                    latest("kappawatch_confused_pair_ratio", "project, task, label_a, label_b", TASK),
                    "share",
                )
            ],
            {
                "Project": Column("project"),
                "Task": Column("task"),
                "Label": Column("label_a"),
                "and": Column("label_b"),
                "Share": Column("share", "percentunit"),
            },
            width=12,
        ),
        table(
            "Gold accuracy by class",
            "Which class fails: the answers to gold items whose key is of it; of tasks whose keys are of at most 10 classes.",
            [
                Query(f"{passed} / sum by (project, task, label) ({answers})", "accuracy"),
                Query(f"sum by (project, task, label) ({answers})", "answers"),
            ],
            {
                "Project": Column("project"),
                "Task": Column("task"),
                "Class": Column("label"),
                "Gold accuracy": Column("accuracy", "percentunit", GOLD),
                "Answers": Column("answers", "short"),
            },
            width=12,
        ),
        timeseries(
            "Time an annotation takes",
            "Half of the annotations take longer than the median, a tenth is faster than the lower line.",
            [
                Query(f"histogram_quantile(0.5, {_durations()})", "{{project}}"),
                Query(f"histogram_quantile(0.1, {_durations()})", "{{project}} lower"),
            ],
            unit="s",
            minimum=0,
        ),
        timeseries(
            "Reviews per hour",
            "What reviewers say of annotations.",
            [Query(reviews, "{{outcome}}")],
            unit="short",
            bars=True,
            minimum=0,
        ),
    ]


def _durations() -> str:
    return f"sum by (project, le) (rate(kappawatch_annotation_duration_seconds_bucket{PROJECT}[$__rate_interval]))"


def _drift() -> list[Json]:
    signals = latest("kappawatch_drift_state", "project, task, signal", TASK)
    kinds = latest("kappawatch_alarms", "project, task, kind, severity", TASK)
    flags = latest("kappawatch_flagged_annotator_info", "project, task, annotator, reason", TASK)
    flagged = "project, task, annotator"
    return [
        state_timeline(
            "Drift",
            "The state of each signal's detectors. A drift ends when evidence of the old level returns.",
            [Query(signals, "{{project}} / {{task}} {{signal}}")],
            states={0: ("normal", "green"), 1: ("warning", "orange"), 2: ("drift", "red")},
        ),
        timeseries(
            "Alarms open by kind",
            "One cause, one alarm.",
            [Query(f"sum by (kind, severity) ({kinds})", "{{kind}} ({{severity}})")],
            unit="short",
            bars=True,
            minimum=0,
        ),
        table(
            "Flagged annotators",
            "Annotators (pseudonyms) with an open alarm, at most 50 a project; gold and percent agreement over all their work. "
            "`kappawatch show` has the evidence.",
            [
                Query(flags, "flag"),
                Query(latest("kappawatch_flagged_annotator_gold_ratio", flagged, TASK), "gold"),
                Query(latest("kappawatch_flagged_annotator_agreement_ratio", flagged, TASK), "agreement"),
                Query(latest("kappawatch_flagged_annotator_items", flagged, TASK), "items"),
            ],
            {
                "Project": Column("project"),
                "Task": Column("task"),
                "Annotator": Column("annotator"),
                "Reason": Column("reason"),
                "Gold accuracy": Column("gold", "percentunit", GOLD),
                "Agreement": Column("agreement", "percentunit"),
                "Items": Column("items", "short"),
            },
            width=12,
        ),
        timeseries(
            "Detections and alarms per hour",
            "Which detector speaks, and how much of it becomes an alarm.",
            [
                Query(
                    f"sum by (signal, detector) (increase(kappawatch_drift_detections_total{TASK}[1h]))",
                    "{{signal}} by {{detector}}",
                ),
                Query(f"sum by (kind) (increase(kappawatch_alarms_raised_total{TASK}[1h]))", "alarm: {{kind}}"),
            ],
            unit="short",
            minimum=0,
        ),
    ]


def _evidence() -> list[Json]:
    by_task = "project, task"
    annotations = latest("kappawatch_annotations", by_task, TASK)
    labels = latest("kappawatch_pairable_labels", "project, task, label", TASK)
    given = f"(sum by ({by_task}) ({labels}) > 0)"
    disagreeing = latest("kappawatch_disagreeing_labels", by_task, TASK)
    return [
        timeseries(
            "Items and gold answers",
            "How much the figures rest on: items, those with two or more labels, and answers to gold items.",
            [
                Query(latest("kappawatch_items", by_task, TASK), "{{project}} / {{task}} items"),
                Query(latest("kappawatch_pairable_items", by_task, TASK), "{{project}} / {{task}} pairable"),
                Query(latest("kappawatch_gold_answers", by_task, TASK), "{{project}} / {{task}} gold answers"),
            ],
            unit="short",
            minimum=0,
            width=8,
        ),
        timeseries(
            "Gold results per hour",
            "Seeding and outcome: results added and, by edits or changed keys, taken back.",
            [
                Query(f"sum by (outcome) (increase(kappawatch_gold_results_total{TASK}[1h]))", "{{outcome}}"),
                Query(
                    f"sum by (outcome) (increase(kappawatch_gold_results_retracted_total{TASK}[1h]))",
                    "{{outcome}} taken back",
                ),
            ],
            unit="short",
            minimum=0,
            width=8,
        ),
        timeseries(
            "Unfit share",
            "Annotations whose label does not fit the task's label type: they are kept but do not count.",
            [
                Query(
                    f"{latest('kappawatch_unfit', by_task, TASK)} / ({annotations} > 0)",
                    "{{project}} / {{task}}",
                )
            ],
            unit="percentunit",
            steps=Steps("green", ((UNFIT_SHARE, "orange"),)),
            minimum=0,
            width=8,
        ),
        timeseries(
            "Class mix",
            "The share of each label on items with two or more; of tasks with at most 10 labels.",
            [
                Query(
                    f"{labels} / on ({by_task}) group_left () {given}",
                    "{{project}} / {{task}} {{label}}",
                )
            ],
            unit="percentunit",
            minimum=0,
            maximum=1,
            width=12,
        ),
        timeseries(
            "Observed disagreement",
            "The share of pairs of labels that differ, as alpha sees it. Where agreement falls and this does not, the class "
            "mix has changed.",
            [Query(f"{disagreeing} / {given}", "{{project}} / {{task}}")],
            unit="percentunit",
            minimum=0,
            maximum=1,
            width=12,
        ),
    ]


def _events() -> list[Json]:
    delay = f"sum by (project, le) (rate(kappawatch_event_delay_seconds_bucket{PROJECT}[$__rate_interval]))"
    budget = f"(1 - {DEAD_LETTER_OBJECTIVE})"
    return [
        timeseries(
            "Events per minute by outcome",
            "Everything received: applied, duplicates, of erased annotators, refused, forwarded to another partition.",
            [
                Query(
                    f"sum by (outcome) (rate(kappawatch_events_total{PROJECT_OR_NONE}[$__rate_interval])) * 60",
                    "{{outcome}}",
                )
            ],
            unit="epm",
            bars=True,
            minimum=0,
        ),
        timeseries(
            "Dead letters per minute by reason",
            "What is refused, and why; the table of dead letters has path and origin.",
            [
                Query(
                    "sum by (reason) (rate(kappawatch_dead_letters_total[$__rate_interval])) * 60",
                    "{{reason}}",
                )
            ],
            unit="epm",
            bars=True,
            minimum=0,
        ),
        timeseries(
            "Delay",
            "Age of an event when it is committed, 95th percentile: how old is what this page shows?",
            [Query(f"histogram_quantile(0.95, {delay})", "{{project}}")],
            unit="s",
            steps=Steps("green", ((DELAY_SLOW_SECONDS, "orange"), (DELAY_BAD_SECONDS, "red"))),
            minimum=0,
        ),
        timeseries(
            "Dead-letter budget burn",
            f"How many times too fast the budget ({1 - DEAD_LETTER_OBJECTIVE:.1%} of events) is spent; 1 just uses it up.",
            [
                Query(f"job:kappawatch_dead_letters:ratio_rate{window} / {budget}", window)
                for window in (burn.long for burn in BURNS)
            ],
            unit="none",
            steps=Steps("green", tuple((burn.factor, "red") for burn in reversed(BURNS))),
            minimum=0,
        ),
    ]


def _pipeline() -> list[Json]:
    up = 'max by (instance) (up{job="kappawatch"})'
    commits = "sum by (le) (rate(kappawatch_commit_duration_seconds_bucket[$__rate_interval]))"
    per_minute = "sum by ({by}) (rate({metric}[$__rate_interval])) * 60"
    return [
        state_timeline(
            "Workers",
            "Whether a worker answers Prometheus, and whether it says it is ready.",
            [Query(f"{up} + (max by (instance) (kappawatch_ready) or {up} * 0)", "{{instance}}")],
            states={0: ("down", "red"), 1: ("not ready", "orange"), 2: ("ready", "green")},
            width=8,
        ),
        timeseries(
            "Lag",
            "Records written but not yet read: the log's end less the worker's position.",
            [Query("topic_partition:kappawatch_lag:max", "{{topic}} {{partition}}")],
            unit="short",
            minimum=0,
            width=8,
        ),
        timeseries(
            "Heartbeat age",
            "Time since each stage of a worker finished a round. Without events there are no commits.",
            [
                Query(
                    "time() - max by (instance, stage) (kappawatch_heartbeat_timestamp_seconds)",
                    "{{instance}} {{stage}}",
                )
            ],
            unit="s",
            steps=HEARTBEAT,
            minimum=0,
            width=8,
        ),
        timeseries(
            "Commit duration",
            "Time of a chunk's database transaction.",
            [
                Query(f"histogram_quantile(0.5, {commits})", "median"),
                Query(f"histogram_quantile(0.95, {commits})", "95th percentile"),
            ],
            unit="s",
            steps=Steps("green", ((COMMIT_SLOW_SECONDS, "orange"),)),
            minimum=0,
            width=8,
        ),
        timeseries(
            "Faults per minute",
            "Survived, not lost: homes taken over, partitions read again, the store failing and being asked again.",
            [
                Query(per_minute.format(by="job", metric="kappawatch_conflicts_total"), "conflicts"),
                Query(per_minute.format(by="reason", metric="kappawatch_rereads_total"), "read again: {{reason}}"),
                Query(per_minute.format(by="job", metric="kappawatch_store_errors_total"), "store errors"),
                Query(per_minute.format(by="job", metric="kappawatch_collect_errors_total"), "metrics page errors"),
            ],
            unit="cpm",
            minimum=0,
            width=8,
        ),
        timeseries(
            "Outbox",
            "Messages waiting for the broker, and those that it refused for good within the last hour.",
            [
                Query("sum(kappawatch_outbox_pending)", "waiting"),
                Query("sum by (topic) (increase(kappawatch_outbox_failed_total[1h]))", "refused: {{topic}}"),
            ],
            unit="short",
            minimum=0,
            width=8,
        ),
        timeseries(
            "Series exposed",
            "Which metrics make up a worker's page, the ten largest: Prometheus drops a page above its sample limit whole.",
            [Query("topk(10, max by (family) (kappawatch_series_exposed))", "{{family}}")],
            unit="short",
            minimum=0,
            width=8,
        ),
        table(
            "Workers and their share",
            "Version, homes held, and what being measured costs.",
            [
                Query("max by (instance, version) (kappawatch_build_info)", "build"),
                Query("max by (instance) (kappawatch_homes)", "homes"),
                Query("max by (instance) (kappawatch_collect_duration_seconds)", "page"),
                Query('max by (instance) (scrape_samples_scraped{job="kappawatch"})', "samples"),
            ],
            {
                "Worker": Column("instance"),
                "Version": Column("version"),
                "Homes": Column("homes", "short"),
                "Metrics page": Column("page", "s", Steps("green", ((COLLECT_SLOW_SECONDS, "orange"),))),
                "Samples": Column("samples", "short", Steps("green", ((SAMPLES_MANY, "orange"),))),
            },
            width=16,
        ),
    ]

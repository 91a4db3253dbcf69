"""The configuration is read as documented, and every mistake in it is refused with the place and the remedy."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from detectors.config import TaskConfig
from streams.errors import Refused
from streams.events import EVENT_TYPES
from streams.settings import SECTIONS, Settings, load_settings, read_settings, variables

DESIGN = """
[kafka]
bootstrap_servers = "127.0.0.1:9092"
topics = ["annotations", "gold"]
alerts_topic = "alerts"
dead_letters_topic = "dead-letters"
group = "kappawatch"

[kafka.accept]
annotations = ["annotation", "retraction", "review"]

[store]
url = "sqlite:///kappawatch.db"

[http]
listen = "127.0.0.1:8080"

[projects.cats.tasks.breed]
label_type = "ordinal"
labels = [1, 0, -1, -2, -3]
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "kappawatch.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(text: str, environ: dict[str, str] | None = None, *, write) -> str:
    with pytest.raises(Refused) as caught:
        load_settings(write(text), environ or {})
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------------- what is read


def test_no_file_means_the_defaults():
    assert load_settings(None, {}) == Settings()
    assert load_settings(None, {"KAPPAWATCH_CONFIG": ""}) == Settings()


def test_every_default_is_a_value_that_its_own_key_takes():
    checked = 0
    for section, kind in SECTIONS.items():
        for key in dataclasses.fields(kind):
            if key.default is not None:
                default = list(key.default) if isinstance(key.default, tuple) else key.default
                assert read_settings({section: {key.name: default}}, {}) == Settings(), f"{section}.{key.name}"
                checked += 1
    assert checked == 18


def test_the_file_of_the_design_is_read(write):
    settings = load_settings(write(DESIGN), {})
    assert settings.kafka.accept == {"annotations": frozenset({"annotation", "retraction", "review"})}
    assert settings.task_config("cats", "breed") == TaskConfig(label_type="ordinal", labels=(1, 0, -1, -2, -3))
    assert settings.origin.endswith("kappawatch.toml")


def test_the_file_is_named_by_the_argument_or_else_by_the_environment(write, tmp_path):
    path = write('[kafka]\ngroup = "from the file"')
    other = tmp_path / "other.toml"
    other.write_text('[kafka]\ngroup = "from the other"', encoding="utf-8")
    assert load_settings(None, {"KAPPAWATCH_CONFIG": str(path)}).kafka.group == "from the file"
    assert load_settings(other, {"KAPPAWATCH_CONFIG": str(path)}).kafka.group == "from the other"


EXAMPLES = {
    "KAPPAWATCH_KAFKA__BOOTSTRAP_SERVERS": ("a.example:1,b.example", "a.example:1,b.example:9092"),
    "KAPPAWATCH_KAFKA__TOPICS": ('["all"]', ("all",)),
    "KAPPAWATCH_KAFKA__ALERTS_TOPIC": ("qa.alerts", "qa.alerts"),
    "KAPPAWATCH_KAFKA__DEAD_LETTERS_TOPIC": ("qa.dead", "qa.dead"),
    "KAPPAWATCH_KAFKA__GROUP": ("qa", "qa"),
    "KAPPAWATCH_KAFKA__ACCEPT": ('{"gold": ["gold"]}', {"gold": frozenset({"gold"})}),
    "KAPPAWATCH_KAFKA__SECURITY_PROTOCOL": ("ssl", "SSL"),
    "KAPPAWATCH_KAFKA__SASL_MECHANISM": ("plain", "PLAIN"),
    "KAPPAWATCH_KAFKA__SASL_USERNAME": ("", None),
    "KAPPAWATCH_KAFKA__SASL_PASSWORD_FILE": ("", None),
    "KAPPAWATCH_KAFKA__SSL_CA_FILE": ("", None),
    "KAPPAWATCH_KAFKA__SSL_CERTIFICATE_FILE": ("", None),
    "KAPPAWATCH_KAFKA__SSL_KEY_FILE": ("", None),
    "KAPPAWATCH_KAFKA__SESSION_TIMEOUT_SECONDS": ("6", 6.0),
    "KAPPAWATCH_KAFKA__PARTITIONS": ("24", 24),
    "KAPPAWATCH_KAFKA__REPLICATION_FACTOR": ("3", 3),
    "KAPPAWATCH_KAFKA__RETENTION_DAYS": ("400", 400),
    "KAPPAWATCH_KAFKA__ALERTS_RETENTION_DAYS": ("-1", -1),
    "KAPPAWATCH_KAFKA__DEAD_LETTERS_RETENTION_DAYS": ("7", 7),
    "KAPPAWATCH_STORE__URL": ("postgresql:///qa", "postgresql:///qa"),
    "KAPPAWATCH_HTTP__LISTEN": ("[::1]:0", "[::1]:0"),
    "KAPPAWATCH_MEMORY__ITEMS": ("5", 5),
    "KAPPAWATCH_PRIVACY__KEY_FILE": ("/run/secrets/key", "/run/secrets/key"),
    "KAPPAWATCH_LOG__LEVEL": ("WARNING", "warning"),
    "KAPPAWATCH_LOG__FORMAT": ("json", "json"),
}


def test_every_key_has_an_example_below():
    assert list(EXAMPLES) == list(variables())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_key_is_set_by_the_environment_over_the_file(name, write):
    text, expected = EXAMPLES[name]
    section, key = name.removeprefix("KAPPAWATCH_").lower().split("__")
    settings = load_settings(
        write(DESIGN.replace("[kafka.accept]", "[kafka.reject]").partition("[kafka.reject]")[0]), {name: text}
    )
    assert getattr(getattr(settings, section), key) == expected


def test_arguments_come_before_the_environment():
    environ = {"KAPPAWATCH_KAFKA__PARTITIONS": "3"}
    assert load_settings(None, environ, {"kafka.partitions": 5}).kafka.partitions == 5
    with pytest.raises(Refused, match=r"^argument --partitions: expected a whole number from 1 to 10000, found 0; "):
        load_settings(None, environ, {"kafka.partitions": 0})


def test_variables_of_others_are_left_alone():
    others = {"KAPPAWATCH_SERVICE_HOST": "10.0.0.1", "KAPPAWATCH_PORT_8080_TCP": "tcp://10.0.0.1:8080", "PATH": "/bin"}
    assert load_settings(None, others) == Settings()


def test_addresses_have_parts():
    settings = read_settings({"http": {"listen": "[::1]:8080"}, "store": {"url": "sqlite:////var/lib/kw.db"}}, {})
    assert (settings.http.host, settings.http.port) == ("::1", 8080)
    assert (settings.store.kind, settings.store.path) == ("sqlite", Path("/var/lib/kw.db"))
    store = read_settings({"store": {"url": "postgresql://u:secret@db/qa?password=secret"}}, {}).store
    assert (store.kind, store.shown) == ("postgresql", "postgresql://db/qa")
    with pytest.raises(ValueError, match="PostgreSQL"):
        store.path  # noqa: B018 - reading it is what is tried


@pytest.mark.parametrize(
    ("servers", "loopback"),
    [("127.0.0.1:1", True), ("localhost:1,[::1]:2", True), ("127.9.9.9:1", True), ("localhost:1,kafka:2", False)],
)
def test_loopback_is_this_machine_only(servers, loopback):
    assert read_settings({"kafka": {"bootstrap_servers": servers}}, {}).kafka.loopback is loopback


# ---------------------------------------------------------------------------------------------------------------- topics

ANNOTATIONS = {"annotation", "retraction", "review", "context"}
GOLD = {"gold", "context", "erasure"}


@pytest.mark.parametrize(
    ("topics", "accept", "expected"),
    [
        (["annotations", "gold"], None, {"annotations": ANNOTATIONS, "gold": GOLD}),
        (["a", "b", "team.gold"], None, {"a": ANNOTATIONS, "b": ANNOTATIONS, "team.gold": GOLD}),
        (["events"], None, {"events": set(EVENT_TYPES)}),
        (["gold"], None, {"gold": set(EVENT_TYPES)}),
        (["a", "b"], None, {"a": set(EVENT_TYPES), "b": set(EVENT_TYPES)}),
        (["a", "golden"], None, {"a": set(EVENT_TYPES), "golden": set(EVENT_TYPES)}),
        (["a", "gold"], {"a": ["annotation"]}, {"a": {"annotation"}, "gold": GOLD}),
    ],
)
def test_a_topic_accepts_what_the_design_says(topics, accept, expected):
    settings = read_settings({"kafka": {"topics": topics, **({"accept": accept} if accept else {})}}, {})
    assert {topic: settings.accepts(topic) for topic in topics} == expected
    for event_type in EVENT_TYPES:
        assert settings.topic_of(event_type) == next((t for t in topics if event_type in expected[t]), None)


def test_what_a_topic_that_is_not_consumed_accepts_is_not_asked():
    with pytest.raises(ValueError, match="expected one of the consumed topics annotations, gold, found alerts"):
        Settings().accepts("alerts")


# -------------------------------------------------------------------------------------------------------------- mistakes

# (document, what the message begins with after the file's name, what else it says)
MISTAKES = [
    ('[kafka]\ntopic = ["a"]', "kafka.topic: expected one of bootstrap_servers,", "did you mean topics?"),
    ("[kafak]", "kafak: expected one of kafka, store,", "did you mean kafka?"),
    ('[store]\nlisten = "x"', "store.listen: expected one of url, found an unknown name", "it belongs under [http]"),
    ("[kafka]\nzzz = 1", "kafka.zzz: expected one of", "take it out"),
    ("kafka = 1", "kafka: expected a table, found 1", "begin it with [kafka]"),
    (
        '[kafka]\ntopics = "annotations"',
        'kafka.topics: expected a list of names of topics, found "annotations"',
        '["annotations"]',
    ),
    ("[kafka]\ntopics = []", "kafka.topics: expected a list of names of topics, found []", '["annotations", "gold"]'),
    (
        '[kafka]\ntopics = ["a b"]',
        'kafka.topics: expected a list of names of topics, found ["a b"]',
        "Kafka takes letters",
    ),
    ('[kafka]\ntopics = ["a", "a"]', "kafka.topics: expected each topic once, found a again", "take one out"),
    (
        '[kafka]\nalerts_topic = "gold"',
        "kafka.alerts_topic: expected a topic that is not consumed, found gold",
        "another topic",
    ),
    (
        '[kafka]\ndead_letters_topic = "gold"',
        "kafka.dead_letters_topic: expected a topic that is not consumed",
        "another topic",
    ),
    ('[kafka]\ndead_letters_topic = "alerts"', "kafka.dead_letters_topic: expected another topic than", "use two"),
    (
        '[kafka.accept]\nannotations = ["anotation"]',
        "kafka.accept: expected event types by topic",
        "did you mean annotation?",
    ),
    ("[kafka.accept]\nannotations = []", "kafka.accept: expected event types by topic", "at least one event type"),
    (
        '[kafka.accept]\nannotation = ["gold"]',
        "kafka.accept: expected consumed topics (annotations, gold), found annotation",
        "did you mean annotations?",
    ),
    (
        '[kafka.accept]\nannotations = ["gold"]',
        "kafka.accept: expected a topic that accepts annotations, found none",
        "add annotation",
    ),
    ('[kafka]\naccept = ["gold"]', "kafka.accept: expected event types by topic, found", "[kafka.accept]"),
    (
        "[kafka]\npartitions = 0",
        "kafka.partitions: expected a whole number from 1 to 10000, found 0",
        "choose one within these bounds",
    ),
    (
        "[kafka]\npartitions = true",
        "kafka.partitions: expected a whole number from 1 to 10000, found true",
        "without quotes",
    ),
    (
        '[kafka]\npartitions = "4"',
        'kafka.partitions: expected a whole number from 1 to 10000, found "4"',
        "without quotes",
    ),
    (
        "[kafka]\nretention_days = 0",
        "kafka.retention_days: expected a whole number from 1 to 36500, or -1, found 0",
        "number",
    ),
    (
        "[kafka]\nsession_timeout_seconds = nan",
        "kafka.session_timeout_seconds: expected a number from 1 to 1800, found NaN",
        "number",
    ),
    ("[kafka]\ngroup = ''", 'kafka.group: expected a text, found ""', "quotes"),
    ('[kafka]\ngroup = "a\\nb"', 'kafka.group: expected a text, found "a\\nb"', "on one line"),
    (
        '[kafka]\nbootstrap_servers = "kafka://h:1"',
        "kafka.bootstrap_servers: expected host:port",
        "leave out the scheme",
    ),
    ('[kafka]\nbootstrap_servers = "::1:9092"', "kafka.bootstrap_servers: expected host:port", "[::1]:9092"),
    ('[kafka]\nbootstrap_servers = "h:99999"', "kafka.bootstrap_servers: expected host:port", "at most 65535"),
    ('[kafka]\nbootstrap_servers = "h:1,"', "kafka.bootstrap_servers: expected host:port", "host:port"),
    ('[kafka]\nbootstrap_servers = "h h:1"', "kafka.bootstrap_servers: expected host:port", "letters, digits"),
    ('[kafka]\nbootstrap_servers = "[1.2.3]:1"', "kafka.bootstrap_servers: expected host:port", "not an IPv6 address"),
    (
        '[kafka]\nsecurity_protocol = "TLS"',
        "kafka.security_protocol: expected one of PLAINTEXT, SSL,",
        "write one of them",
    ),
    ('[kafka]\nsecurity_protocol = "SASL_SLL"', "kafka.security_protocol: expected one of", "did you mean SASL_SSL?"),
    (
        '[kafka]\nsecurity_protocol = "SASL_SSL"',
        "kafka.security_protocol: expected kafka.sasl_username with SASL_SSL",
        "KAPPAWATCH_KAFKA__SASL_USERNAME",
    ),
    (
        '[kafka]\nsecurity_protocol = "SASL_SSL"\nsasl_username = "u"',
        "kafka.security_protocol: expected kafka.sasl_password_file",
        "set it",
    ),
    (
        '[kafka]\nsasl_username = "u"',
        "kafka.sasl_username: expected none with kafka.security_protocol PLAINTEXT",
        "set SASL_SSL",
    ),
    (
        '[kafka]\nssl_ca_file = "ca.pem"',
        "kafka.ssl_ca_file: expected none with kafka.security_protocol PLAINTEXT",
        "set SSL",
    ),
    (
        '[kafka]\nsecurity_protocol = "SSL"\nssl_key_file = "k"',
        "kafka.ssl_key_file: expected kafka.ssl_certificate_file beside it",
        "name the certificate",
    ),
    ('[store]\nurl = "mysql://h/d"', "store.url: expected sqlite:///FILE or postgresql://...", "SQLite (one machine)"),
    ('[store]\nurl = "sqlite://kw.db"', "store.url: expected sqlite:///FILE", "sqlite:///kappawatch.db"),
    ('[store]\nurl = "sqlite:///:memory:"', "store.url: expected sqlite:///FILE", "outlive the worker"),
    ('[store]\nurl = "sqlite:///kw.db?mode=ro"', "store.url: expected sqlite:///FILE", "leave out '?'"),
    ('[store]\nurl = "postgresql://u:p:q@h:x/d"', "store.url: expected sqlite:///FILE", "percent-encoded"),
    ('[http]\nlisten = "127.0.0.1"', "http.listen: expected host:port", "name the port too"),
    ("[http]\nlisten = 8080", "http.listen: expected host:port, found 8080", "in quotes"),
    ("[memory]\nitems = 0", "memory.items: expected a whole number from 1 to 1000000000, found 0", "number"),
    ('[log]\nlevel = "verbose"', "log.level: expected one of debug, info, warning, error", "write one of them"),
    (
        '[log]\nlevel = "debug"\n[kafka]\nbootstrap_servers = "kafka:1"',
        "log.level: expected info, warning or error",
        "on this one",
    ),
    ("projects = 1", "projects: expected a table, found 1", "[projects.NAME.tasks.TASK]"),
    ("[projects]\ncats = 1", "projects.cats: expected a table, found 1", "[projects.NAME.tasks.TASK]"),
    ('[projects.cats]\nlabel_type = "nominal"', "projects.cats.label_type: expected one of tasks", "take it out"),
    ("[projects.cats]\ntasks = []", "projects.cats.tasks: expected a table, found []", "[projects.NAME.tasks.TASK]"),
    (
        '[projects."a.b".tasks.t]\nlabel_typ = 1',
        'projects."a.b".tasks.t.label_typ: expected one of label_type,',
        "did you mean label_type?",
    ),
    ('[projects."".tasks.t]', "projects: expected a name of 1 to 256 printable characters", "no event can carry"),
    (
        '[projects."a\\u0000".tasks.t]',
        "projects: expected a name of 1 to 256 printable characters",
        "no event can carry",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "ordnal"',
        "projects.c.tasks.t.label_type: expected one of nominal, ordinal,",
        "did you mean ordinal?",
    ),
    *[
        (
            f'[projects.c.tasks.t]\nlabel_type = "{free_text}"',
            f"projects.c.tasks.t.label_type: expected one of nominal, ordinal, interval, ratio, multilabel, boxes, spans, "
            f'preference, found "{free_text}"; free text is not compared, for two people who mean the same',
            "a closed set, or for spans, or leave the task out",
        )
        for free_text in ("text", "free_text", "free text", "Free-Text", "freetext")
    ],
    (
        '[projects.c.tasks.t]\nlabel_type = "next"',
        "projects.c.tasks.t.label_type: expected one of nominal, ordinal,",
        "write one of them",
    ),
    (
        '[projects.c.tasks.t]\nlabels = "yes"',
        'projects.c.tasks.t.labels: expected a list of labels, found "yes"',
        '["yes", "no"]',
    ),
    (
        "[projects.c.tasks.t]\nlabels = []",
        "projects.c.tasks.t.labels: expected a list of labels, found []",
        "take the line out",
    ),
    (
        "[projects.c.tasks.t]\nlabels = [1, 1.0]",
        "projects.c.tasks.t.labels: expected labels that differ, found 1 and 1.0",
        "take one out",
    ),
    (
        '[projects.c.tasks.t]\nlabels = [true, "true"]',
        "projects.c.tasks.t.labels: expected labels that differ",
        "one label",
    ),
    (
        "[projects.c.tasks.t]\nlabels = [nan]",
        "projects.c.tasks.t.labels: expected labels of the type nominal or interval, found NaN",
        "mend it",
    ),
    (
        "[projects.c.tasks.t]\nlabels = [1979-05-27]",
        "projects.c.tasks.t.labels: expected labels of the type",
        "mend it",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "interval"\nlabels = ["x"]',
        "projects.c.tasks.t.labels: expected labels of the type interval",
        "label_type beside it",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "ratio"\nlabels = [-1]',
        "projects.c.tasks.t.labels: expected labels of the type ratio, found -1",
        "mend it",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "interval"\nlabels = [1e10]',
        "projects.c.tasks.t.labels: expected labels of the type interval",
        "mend it",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "boxes"\nlabels = [1]',
        "projects.c.tasks.t.labels: expected labels of the type boxes, found 1",
        "mend it",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "preference"\nlabels = ["a"]',
        "projects.c.tasks.t.labels: expected none for preference",
        "take the line out",
    ),
    (
        '[projects.c.tasks.t]\nlabel_type = "ordinal"\nlabels = ["a", 1]',
        "projects.c.tasks.t.labels: expected either names or numbers",
        "one kind",
    ),
    (
        '[projects.c.tasks.t]\nlabels = ["a"]\nunknown = "others"',
        'projects.c.tasks.t.unknown: expected one of unfit, other, found "others"',
        "did you mean other?",
    ),
    (
        '[projects.c.tasks.t]\nunknown = "other"',
        "projects.c.tasks.t.unknown: expected labels beside other, found none",
        "declare them, or take the line out",
    ),
    *[
        (
            f'[projects.c.tasks.t]\nlabel_type = "{label_type}"{labels}\nunknown = "other"',
            f"projects.c.tasks.t.unknown: expected unfit for {label_type}, found other",
            "set label_type to one of nominal, multilabel, boxes, spans",
        )
        for label_type, labels in {
            "ordinal": '\nlabels = ["low", "high"]',
            "interval": "\nlabels = [1, 2]",
            "ratio": "",
            "preference": "",
        }.items()
    ],
    (
        '[projects.c.tasks.t]\nlabels = ["a", 1]\nunknown = "other"',
        "projects.c.tasks.t.unknown: expected a label_type beside other where numbers are declared",
        'set label_type = "nominal"',
    ),
    (
        "[projects.c.tasks.t]\niou = 0",
        "projects.c.tasks.t.iou: expected a number above 0 and at most 1, found 0",
        "choose one such as 0.5",
    ),
    (
        '[projects.c.tasks.t]\niou = "0.5"',
        "projects.c.tasks.t.iou: expected a number above 0",
        "without quotes",
    ),
    (
        "[projects.c.tasks.t]\niou = nan",
        "projects.c.tasks.t.iou: expected a number above 0",
        "such as 0.5",
    ),
    (
        '[projects.c.tasks.t]\ninclusive_pixels = "yes"',
        "projects.c.tasks.t.inclusive_pixels: expected true or false",
        "write true or false, without quotes",
    ),
    (
        '[projects.c.tasks.t]\ndetectors = ["gold_error"]',
        "projects.c.tasks.t.detectors: expected a list of signals among",
        "did you mean gold_errors?",
    ),
    (
        '[projects.c.tasks.t]\ndetectors = ["gold_errors", "gold_errors"]',
        "projects.c.tasks.t.detectors: expected",
        "once",
    ),
    (
        '[projects.c.tasks.t]\ndetectors = "gold_errors"',
        "projects.c.tasks.t.detectors: expected a list",
        "write a list",
    ),
]


@pytest.mark.parametrize(
    ("document", "begins", "says"), MISTAKES, ids=[" ".join(document.split()) for document, _, _ in MISTAKES]
)
def test_a_mistake_is_refused_with_file_key_and_remedy(document, begins, says, write):
    message = refused(document, write=write)
    path, _, rest = message.partition(": ")
    assert path.endswith("kappawatch.toml")
    assert rest.startswith(begins)
    assert says in rest
    assert "; " in rest


ENVIRONMENT_MISTAKES = [
    ("KAPPAWATCH_KAFKA__TOPIC", "[]", "expected the name of a key; did you mean KAPPAWATCH_KAFKA__TOPICS?"),
    ("KAPPAWATCH_NONSENSE__THING", "1", "docs/configuration.md"),
    (
        "KAPPAWATCH_STORE_URL",
        "sqlite:///a",
        "expected two underscores between section and key; write KAPPAWATCH_STORE__URL",
    ),
    ("KAPPAWATCH_KAFKA__TOPICS", "annotations", 'expected a list of names of topics, as JSON, found "annotations"'),
    ("KAPPAWATCH_KAFKA__TOPICS", "[" * 100_000, "as JSON, found"),
    ("KAPPAWATCH_KAFKA__TOPICS", '["\\ud800"]', "expected a list of names of topics"),
    ("KAPPAWATCH_KAFKA__PARTITIONS", "many", "expected a whole number from 1 to 10000, as JSON"),
    ("KAPPAWATCH_KAFKA__PARTITIONS", "9" * 5000, "expected a whole number from 1 to 10000"),
    ("KAPPAWATCH_KAFKA__GROUP", "\udcff", "expected a text"),
]


@pytest.mark.parametrize(("name", "value", "says"), ENVIRONMENT_MISTAKES, ids=range(len(ENVIRONMENT_MISTAKES)))
def test_a_mistake_in_the_environment_names_the_variable(name, value, says):
    with pytest.raises(Refused) as caught:
        load_settings(None, {name: value})
    assert str(caught.value).startswith(f"environment variable {name}: ")
    assert says in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[kafka", "expected TOML, found a mistake: "),
        (b"[kafka]\ngroup = \xff", "expected UTF-8, found another byte at 16"),
        (b"a = " + b"[" * 100_000, "expected TOML, found a mistake"),
        (b"a = " + b"9" * 5000, "expected TOML, found a mistake"),
    ],
    ids=["cut off", "latin-1", "deep", "long"],
)
def test_a_file_that_is_not_toml_is_refused(content, says, tmp_path):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(Refused, match=says):
        load_settings(path, {})


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(
        Refused, match=r"missing.toml: expected a configuration file, found none .*--config or KAPPAWATCH_CONFIG"
    ):
        load_settings(tmp_path / "missing.toml", {})
    with pytest.raises(Refused, match="expected a configuration file"):
        load_settings(tmp_path, {})


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "document",
    [
        f'[kafka]\nbootstrap_servers = "kafka://user:{SECRET}@broker:9092"',
        f'[kafka]\nbootstrap_servers = "user:{SECRET}@broker"',
        f'[kafka]\nsasl_password = "{SECRET}"',
        f'[store]\nurl = "mysql://user:{SECRET}@db/qa"',
        f'[store]\nurl = "postgresql://user:{SECRET}@db:port/qa"',
        f'[kafka]\nsasl_password_file = ["{SECRET}"]',
        f'[privacy]\nkey_file = ["{SECRET}"]',
        f'[privacy]\nkey = "{SECRET}"',
        f'[http]\nlisten = "user:{SECRET}@127.0.0.1:8080"',
    ],
)
def test_an_error_never_shows_a_secret(document, write):
    assert SECRET not in refused(document, write=write)


def test_settings_do_not_show_secrets_when_printed():
    settings = read_settings({"store": {"url": f"postgresql://u:{SECRET}@h/d"}, "privacy": {"key_file": SECRET}}, {})
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "server", ["broker.example:9092", "10.0.0.5:9092", "127.0.0.1:9092,broker:9092", "[fe80::1]:9092"]
)
def test_a_password_does_not_cross_the_network_in_the_clear(server):
    kafka = {"security_protocol": "SASL_PLAINTEXT", "sasl_username": "u", "sasl_password_file": "p"}
    with pytest.raises(Refused, match="expected SASL_SSL with a broker on another machine, found SASL_PLAINTEXT"):
        read_settings({"kafka": {**kafka, "bootstrap_servers": server}}, {})
    assert read_settings({"kafka": {**kafka, "bootstrap_servers": "localhost:9092"}}, {}).kafka.sasl


# -------------------------------------------------------------------------------------------------------------- projects


def test_the_most_specific_table_is_a_tasks_configuration(write):
    settings = load_settings(
        write(
            """
            [projects.cats.tasks.breed]
            label_type = "nominal"
            [projects.cats.tasks."*"]
            label_type = "ordinal"
            [projects."*".tasks.breed]
            label_type = "interval"
            [projects."*".tasks."*"]
            label_type = "ratio"
            """
        ),
        {},
    )
    found = {
        (project, task): settings.task_config(project, task).label_type
        for project in ("cats", "dogs")
        for task in ("breed", "mood")
    }
    assert found == {
        ("cats", "breed"): "nominal",
        ("cats", "mood"): "ordinal",
        ("dogs", "breed"): "interval",
        ("dogs", "mood"): "ratio",
    }
    assert Settings().task_config("cats", "breed") == TaskConfig()


def test_a_projects_own_table_comes_before_a_tasks_of_all_projects(write):
    tables = '[projects.cats.tasks."*"]\nlabel_type = "ordinal"\n[projects."*".tasks.breed]\nlabel_type = "interval"'
    assert load_settings(write(tables), {}).task_config("cats", "breed").label_type == "ordinal"


def test_labels_of_every_type_are_taken(write):
    settings = load_settings(
        write(
            """
            [projects.p.tasks]
            plain = { labels = ["yes", "no", true, 3] }
            nominal = { label_type = "nominal", labels = ["yes", false, 2.5] }
            ordinal = { label_type = "ordinal", labels = ["low", "high"] }
            interval = { label_type = "interval", labels = [1, 2.5, -3] }
            ratio = { label_type = "ratio", labels = [0, 1] }
            multilabel = { label_type = "multilabel", labels = ["a", "b"], unknown = "other" }
            boxes = { label_type = "boxes", labels = ["car"], iou = 1, inclusive_pixels = true }
            spans = { label_type = "spans", labels = ["PER"] }
            preference = { label_type = "preference", detectors = [] }
            """
        ),
        {},
    )
    assert settings.task_config("p", "plain").labels == ("yes", "no", True, 3)
    assert settings.task_config("p", "boxes") == TaskConfig("boxes", ("car",), iou=1.0, inclusive_pixels=True)
    assert settings.task_config("p", "multilabel") == TaskConfig("multilabel", ("a", "b"), "other")
    assert settings.task_config("p", "preference") == TaskConfig(label_type="preference", detectors=())
    assert len(json.loads(settings.projects_canonical())["p"]["tasks"]) == 9


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("[projects.a.tasks.t]\nlabels = [1, 2]", "[projects.a.tasks.t]\nlabels = [1.0, 2.0]", True),
        ("[projects.a.tasks.t]\nlabels = [1, 2]", "[projects.a.tasks.t]\nlabels = [2, 1]", False),
        (
            "[projects.a.tasks.t]\n[projects.b.tasks.t]",
            '[projects.b.tasks.t]\n[projects.a.tasks.t]\ndetectors = ["gold_errors", "log_duration"]',
            True,
        ),
        ("[projects.a.tasks.t]", "", False),
        ("[projects.a]", "", True),
        ('[projects.a.tasks.t]\nlabel_type = "nominal"', "[projects.a.tasks.t]", False),
        (
            '[projects.a.tasks.t]\nlabels = ["x"]\nunknown = "unfit"',
            '[projects.a.tasks.t]\nlabels = ["x"]',
            True,
        ),
        (
            '[projects.a.tasks.t]\nlabels = ["x"]\nunknown = "other"',
            '[projects.a.tasks.t]\nlabels = ["x"]',
            False,
        ),
    ],
)
def test_equal_configurations_and_only_they_have_one_spelling(one, other, equal, write):
    first = load_settings(write(one), {}).projects_canonical()
    assert (first == load_settings(write(other), {}).projects_canonical()) is equal
    assert isinstance(json.loads(first), dict)

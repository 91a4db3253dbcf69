"""Dashboards and marks for a Grafana that cannot mount files, through its HTTP API.

The only module that imports grafana-api. What that package leaves open is closed here: a Grafana that is away for a
moment, answers that are not JSON, redirects, and a token that must not cross a network in the clear or get into a
message.
"""

import argparse
import hashlib
import ipaddress
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from grafana_api.grafana_face import GrafanaFace
from requests import exceptions

from dashboards.errors import Refused, Unavailable
from dashboards.panels import Json

FOLDER: Final = "kappawatch"
TAG: Final = "kappawatch"
TOKEN_VARIABLE: Final = "KAPPAWATCH_GRAFANA_TOKEN"  # noqa: S105 - its name, not a token
GENERATED: Final = Path(__file__).parent / "grafana"

TIMEOUT: Final = 20.0
"""Seconds for an answer; grafana-api's own 5 are few for a Grafana that is just starting."""
WAITS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts: a restart of Grafana behind a proxy is over by then, and a wrong address is known soon."""
AWAY: Final = frozenset({429, 502, 503, 504})
"""Statuses by which a proxy or Grafana itself says "not now"; 500 is an answer."""
LONGEST_TITLE: Final = 189
LONGEST_QUOTE: Final = 200

_REMEDIES: Final[Mapping[int, tuple[str, str]]] = {
    400: (
        "a request that it takes",
        "read what it says; the dashboards are for Grafana 11.6 and newer, and where it reads them from files, that is all",
    ),
    401: (
        "a token that it knows",
        f"create one for a service account with the role Editor, and give it by --token-file or {TOKEN_VARIABLE}",
    ),
    403: ("a token that may write folders, dashboards and annotations", "give its service account the role Editor"),
    404: ("Grafana's API there", "give the address of Grafana's start page, with its path if it has one"),
    409: ("what may be replaced", "rename or delete in Grafana what has the same name, and publish again"),
    412: ("what may be replaced", "rename or delete in Grafana what has the same name, and publish again"),
}


class _Declined(Exception):
    """An answer other than 2xx: its status, what it says, and where a redirect leads."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(status)
        self.status = status
        self.said = said


class GrafanaPublisher:
    """A folder, dashboards and annotations in one Grafana.

    Everything but an annotation may be sent again, and is while Grafana is away: after each of ``waits``, by ``pause``.
    Raises `Refused` where trying again will not help, `Unavailable` where it may.
    """

    def __init__(
        self, url: str, token: str, *, waits: Iterable[float] = WAITS, pause: Callable[[float], None] = time.sleep
    ) -> None:
        scheme, host, port, path = _address(url)
        self._token = _checked(token, "the token")
        self._waits = tuple(waits)
        self._pause = pause
        self.url = f"{scheme}://{host}" + (f":{port}" if port is not None else "") + path
        self._grafana = GrafanaFace(
            auth=self._token,
            host=host,
            port=port,
            url_path_prefix=f"{path.lstrip('/')}/" if path else "",
            protocol=scheme,
            timeout=TIMEOUT,
        )
        session = self._grafana.api.s
        # grafana-api trips over error pages that are not JSON, and follows a redirected POST with a GET.
        session.hooks["response"].append(self._judge)
        if scheme == "http":
            session.trust_env = False  # a proxy of the environment would get the token

    def ensure_folder(self, title: str = FOLDER) -> str:
        """The uid of our folder, else of the one with this title, else of a new one.

        Ours is known by its uid, so people may rename it.
        """
        if not title.isprintable() or title != title.strip() or not 0 < len(title) <= LONGEST_TITLE:
            raise Refused(f"expected a folder's title of 1 to {LONGEST_TITLE} printable characters, found {title!r}")
        uid = _folder_uid(title)
        what = f"folder {title!r}"
        api = self._grafana.folder
        if self._ask(f"reading {what}", lambda: api.get_folder(uid), "uid", accept={404}) is not None:
            return uid
        listed = self._ask("listing its folders", api.get_all_folders)
        if not isinstance(listed, list):
            raise self._no_grafana("listing its folders")
        for folder in listed:
            if isinstance(folder, dict) and folder.get("title") == title and isinstance(folder.get("uid"), str):
                return str(folder["uid"])
        creating = f"creating {what}"
        # Refused, it may be there all the same: somebody else was faster, or an earlier attempt of ours arrived.
        if self._ask(creating, lambda: api.create_folder(title, uid=uid), accept={409, 412}) is None and (
            self._ask(f"reading {what}", lambda: api.get_folder(uid), "uid", accept={404}) is None
        ):
            raise self._declined(creating, _Declined(409, ""))
        return uid

    def push(self, dashboard: Json, folder: str) -> str:
        """Put a dashboard, known by its uid, into a folder, over an earlier version of it; answers its address."""
        document = {
            "dashboard": {**dashboard, "id": None},
            "folderUid": folder,
            "overwrite": True,
            "message": _version(),
        }
        self._ask(f"pushing dashboard {dashboard['uid']}", lambda: self._grafana.dashboard.update_dashboard(document))
        return f"{self.url}/d/{dashboard['uid']}/"

    def annotate(self, text: str, moment: datetime, tags: Iterable[str] = ()) -> None:
        """Mark a moment in every dashboard that shows annotations tagged ``kappawatch``.

        It is posted once, after Grafana has said that it is there: a second attempt could mark it twice.
        """
        self._ask("asking whether it is there", lambda: self._grafana.api.GET("/health"))
        milliseconds = round(moment.timestamp() * 1000)
        self._ask(
            "posting an annotation",
            lambda: self._grafana.annotations.add_annotation(
                text=text, time_from=milliseconds, tags=[TAG, *(tag for tag in tags if tag != TAG)]
            ),
            repeat=False,
        )

    def _ask(
        self,
        doing: str,
        call: Callable[[], Any],
        key: str = "",
        *,
        accept: Iterable[int] = (),
        repeat: bool = True,
    ) -> Any:
        """The answer; None for an accepted status, {} for an empty body unless the answer must have a key."""
        waits = self._waits if repeat else ()
        for wait in (*waits, None):
            try:
                answer = call()
            except _Declined as declined:
                if declined.status in accept:
                    return None
                if declined.status not in AWAY:
                    raise self._declined(doing, declined) from None
                found = f"the answer {declined.status}{declined.said}"
            except exceptions.JSONDecodeError as error:
                if error.doc.strip() or key:
                    raise self._no_grafana(doing) from None
                return {}  # Grafana took it and had nothing to say
            except exceptions.SSLError as error:
                raise Refused(
                    f"{self._where(doing)}: expected a certificate that can be verified, found: {_reason(error)}; "
                    "for an authority of your own, name its file in REQUESTS_CA_BUNDLE"
                ) from None
            except exceptions.Timeout:
                found = f"no answer within {TIMEOUT:g} s"
            except exceptions.RequestException as error:
                found = _reason(error)
            else:
                if key and not (isinstance(answer, dict) and isinstance(answer.get(key), str)):
                    raise self._no_grafana(doing)
                return answer
            if wait is not None:
                self._pause(wait)
        attempts = f" at each of {len(waits) + 1} attempts" if waits else ""
        doubt = "" if repeat else "; it may have arrived all the same: look before you post it again"
        raise Unavailable(
            f"{self._where(doing)}: expected an answer, found {found}{attempts}: "
            f"start Grafana, or correct its address (--url){doubt}"
        )

    def _where(self, doing: str) -> str:
        return f"Grafana at {self.url}, {doing}"

    def _no_grafana(self, doing: str) -> Refused:
        expected, remedy = _REMEDIES[404]
        return Refused(f"{self._where(doing)}: expected {expected}, found another page: {remedy}")

    def _declined(self, doing: str, declined: _Declined) -> Exception:
        status, said = declined.status, declined.said
        if status >= 500:
            return Unavailable(
                f"{self._where(doing)}: expected success, found an error in Grafana, {status}{said}: "
                "look into Grafana's log, and publish again"
            )
        if status < 400:
            return Refused(
                f"{self._where(doing)}: expected an answer, found a redirect, {status}{said}: "
                "if your Grafana is there, give that address as --url"
            )
        expected, remedy = _REMEDIES.get(status, _REMEDIES[400])
        return Refused(f"{self._where(doing)}: expected {expected}, found {status}{said}: {remedy}")

    def _judge(self, response: Any, **_: object) -> None:
        status = int(response.status_code)
        if status < 300:
            return
        if status < 400:
            to = urlsplit(response.headers.get("Location", ""))
            said = f" to {to.scheme}://{to.netloc.rpartition('@')[2]}{to.path}" if to.netloc else f" to {to.path}"
            raise _Declined(status, self._quotable(said))
        try:
            body = response.json()
        except ValueError:
            body = None
        message = body.get("message") if isinstance(body, dict) else None
        raise _Declined(status, f" ({self._quotable(message)})" if isinstance(message, str) and message else "")

    def _quotable(self, text: str) -> str:
        """What a server says, without the token that it may repeat and without control characters."""
        text = text.replace(self._token, "[token]")
        text = "".join(character if character.isprintable() else " " for character in text)
        return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."


def _address(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path of a Grafana to which a token may be sent."""
    expected = "--url: expected https://HOST[:PORT][/PATH], or http:// on this machine"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(f"{expected}, found an address that cannot be read") from None
    if "@" in parts.netloc:
        raise Refused(f"{expected}, found a user name or password in it (not shown): give a token by --token-file")
    if "?" in url or "#" in url:
        raise Refused(f"{expected}, found more behind the path (not shown): leave out what follows ? or #")
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable():
        raise Refused(f"{expected}, found {url!r}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise Refused(f"{expected}, found {url!r}: the token would cross the network in the clear; use https")
    return parts.scheme, f"[{host}]" if ":" in host else host, port, parts.path.rstrip("/")


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine.

    >>> [_is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "10.0.0.1", "grafana")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _folder_uid(title: str) -> str:
    """The uid of the folder that is ours: the same for the same title, wherever it is published.

    >>> _folder_uid("kappawatch"), _folder_uid("Annotation QA")
    ('kappawatch', 'kappawatch-74a3aa51ee')
    """
    return FOLDER if title == FOLDER else f"{FOLDER}-{hashlib.sha256(title.encode()).hexdigest()[:10]}"


def _version() -> str:
    try:
        return f"kappawatch {version('kappawatch')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "kappawatch"


def _reason(error: BaseException) -> str:
    """Why a connection failed, in the system's words, which stand at the bottom of the libraries' own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return "a broken connection"


def _checked(token: str, where: str) -> str:
    """A token that can stand in a header; what is wrong with another one is said without showing it."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        found = "something else (not shown: it may be secret)" if token else "nothing"
        raise Refused(f"{where}: expected one line with a Grafana service account token, found {found}")
    return token


def read_token(file: Path | None, environ: Mapping[str, str]) -> str:
    """The token in a file, or without one in the environment."""
    if file is None:
        if TOKEN_VARIABLE not in environ:
            raise Refused(
                f"expected a Grafana token, found neither --token-file nor {TOKEN_VARIABLE}: "
                "write the token of a service account with the role Editor into a file that only you can read"
            )
        return _checked(environ[TOKEN_VARIABLE], TOKEN_VARIABLE)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        text = "\N{REPLACEMENT CHARACTER}"
    except OSError as error:
        raise Refused(
            f"--token-file {file}: expected a file to read, found: {(error.strerror or '').lower()}"
        ) from None
    return _checked(text, f"--token-file {file}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m dashboards publish``."""
    parser.add_argument("--url", required=True, help="address of Grafana; https, unless it is on this machine")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help=f"default: the variable {TOKEN_VARIABLE}")
    parser.add_argument("--folder", default=FOLDER, metavar="NAME", help=f"in Grafana (default: {FOLDER})")
    parser.add_argument("--annotation", metavar="TEXT", help="the mark that is left (default: what was published)")


def run(args: argparse.Namespace) -> int:
    """Publish the generated dashboards and mark the moment; 0 fine, 2 refused, 3 Grafana failed."""
    try:
        publisher = GrafanaPublisher(args.url, read_token(args.token_file, os.environ))
        folder = publisher.ensure_folder(args.folder)
        for path in sorted(GENERATED.glob("*.json")):
            print(publisher.push(json.loads(path.read_text(encoding="utf-8")), folder))
        text = args.annotation or f"{_version()}: dashboards published"
        publisher.annotate(text, datetime.now(UTC))
    except (Refused, Unavailable) as error:
        print(f"dashboards: {error}", file=sys.stderr)
        return 2 if isinstance(error, Refused) else 3
    return 0

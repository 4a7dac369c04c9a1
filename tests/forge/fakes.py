"""Three forges as their API documentation describes them, on a local port, as far as comments go."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "sekret-0123456789abcdef"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

Reply = tuple[int, dict[str, str], Any]


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw: str = ""  # the path as it was sent, still quoted


@dataclass
class Fault:
    """An answer that comes ``times`` instead of the real one, when the request fits."""

    reply: Reply | None  # None: the connection is closed without an answer
    fits: Callable[[Asked], bool] = lambda _asked: True
    times: int = 1_000_000
    after: bool = False  # the request is carried out all the same


@dataclass
class Fake:
    """What all of them share. ``comments`` belong to pull request 7; ids count up from 1."""

    me: str = "review-bot"
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    longest: int = 65_536
    url: str = ""
    head: str = COMMIT  # where pull request 7 is now
    known: list[str] = field(default_factory=list)  # labels of the repository
    labels: list[str] = field(default_factory=list)  # labels of pull request 7
    name: ClassVar[str] = ""

    def comment(self, body: str, author: str | None = None) -> int:
        """Somebody's comment (the token's user's by default), posted by hand; returns its id."""
        self.comments.append({"id": len(self.comments) + 1, "body": body, "by": author or self.me, "pull": 7})
        return len(self.comments)

    def bodies(self) -> list[str]:
        return [comment["body"] for comment in self.comments]

    def done(self, *methods: str) -> list[str]:
        """Method and path of the requests that changed something, or of those with one of ``methods``."""
        wanted = methods or ("POST", "PATCH", "PUT", "DELETE")
        return [f"{one.method} {one.path}" for one in self.asked if one.method in wanted and "graphql" not in one.path]

    def answer(self, asked: Asked) -> Reply | None:
        self.asked.append(asked)
        for fault in self.faults:
            if fault.times and fault.fits(asked):
                fault.times -= 1
                if fault.after:
                    self.route(asked)
                return fault.reply
        return self.route(asked)

    def route(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        """The environment of a job for pull request 7, without the file of the event."""
        raise NotImplementedError

    def shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def found(self, number: str) -> dict[str, Any] | None:
        return next((comment for comment in self.comments if comment["id"] == int(number)), None)

    def write(self, asked: Asked, pull: int, id_: str | None) -> Reply:
        """Create or change a comment."""
        body = asked.body["body"]
        if len(body) > self.longest:
            return self.too_long()
        if id_ is None:
            self.comments.append({"id": len(self.comments) + 1, "body": body, "by": self.me, "pull": pull})
            return 201, {}, self.shown(self.comments[-1])
        comment = self.found(id_)
        if comment is None:
            return 404, {}, {"message": "Not Found"}
        comment["body"] = body
        return 200, {}, self.shown(comment)

    def remove(self, id_: str) -> Reply:
        self.comments = [comment for comment in self.comments if comment["id"] != int(id_)]
        return 204, {}, None

    def too_long(self) -> Reply:
        error = {"resource": "IssueComment", "message": f"Body is too long (maximum is {self.longest} characters)"}
        return 422, {}, {"message": "Validation Failed", "errors": [error]}


class FakeGitHub(Fake):
    """Pages by ``per_page`` and ``page`` with a Link header; REST does not tell whose token it is."""

    name = "github"
    pulls: ClassVar[list[dict[str, Any]]] = []

    def environ(self) -> dict[str, str]:
        here = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/poser", "GITHUB_API_URL": self.url}
        return {**here, "GITHUB_TOKEN": TOKEN}

    def shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        url = f"https://github.example/acme/poser/pull/7#issuecomment-{comment['id']}"
        return {"id": comment["id"], "body": comment["body"], "user": {"login": comment["by"]}, "html_url": url}

    def route(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        return self.endpoint(asked)

    def endpoint(self, asked: Asked) -> Reply:  # noqa: C901, PLR0911 - one for each
        match asked.method, asked.path.strip("/").split("/"):
            case "POST", ["graphql"]:
                return 200, {}, {"data": {"viewer": {"login": self.me}}}
            case "GET", ["repos", "acme", "poser", "pulls"]:
                return 200, {}, self.pulls
            case "GET", ["repos", "acme", "poser", "pulls", "7"]:
                return 200, {}, {"number": 7, "head": {"sha": self.head}}
            case "GET", ["repos", "acme", "poser", "issues", "7", "comments"]:
                return self.page(asked)
            case "POST", ["repos", "acme", "poser", "issues", "7", "comments"]:
                return self.write(asked, 7, None)
            case "PATCH", ["repos", "acme", "poser", "issues", "comments", id_]:
                return self.write(asked, 7, id_)
            case "DELETE", ["repos", "acme", "poser", "issues", "comments", id_]:
                return self.remove(id_)
            case "GET", ["repos", "acme", "poser", "labels"]:
                return 200, {}, [self.label(name) for name in self.known]
            case "POST", ["repos", "acme", "poser", "labels"]:
                return self.create_label(asked.body["name"])
            case "GET", ["repos", "acme", "poser", "issues", "7", "labels"]:
                return 200, {}, [self.label(name) for name in self.labels]
            case "POST", ["repos", "acme", "poser", "issues", "7", "labels"]:
                return self.set_labels(asked.body["labels"])
            case "DELETE", ["repos", "acme", "poser", "issues", "7", "labels", which]:
                self.labels.remove(self.named(which))
                return 200, {}, []
        return 404, {}, {"message": "Not Found"}

    def label(self, name: str) -> dict[str, Any]:
        return {"id": self.known.index(name) + 1, "name": name}

    def named(self, which: Any) -> str:
        """The label of a request: a name on GitHub."""
        return str(which)

    def create_label(self, name: str) -> Reply:
        if name in self.known:
            return 422, {}, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
        self.known.append(name)
        return 201, {}, self.label(name)

    def set_labels(self, wanted: list[Any]) -> Reply:
        self.labels += map(self.named, wanted)
        return 200, {}, [self.label(name) for name in self.labels]

    def page(self, asked: Asked) -> Reply:
        size, page = min(int(asked.query.get("per_page", 30)), 100), int(asked.query.get("page", 1))
        shown = [self.shown(comment) for comment in self.comments[(page - 1) * size : page * size]]
        more = page * size < len(self.comments)
        link = '<https://elsewhere.example/steal?page=2>; rel="next", <https://x.example>; rel="last"'
        return 200, {"Link": link} if more else {}, shown


class FakeForgejo(FakeGitHub):
    """Answers with all comments at once, as many versions do; with ``paged`` in pages."""

    name = "forgejo"
    paged: bool = False

    def environ(self) -> dict[str, str]:
        # Its runner says that it is GitHub's, too.
        here = {"FORGEJO_ACTIONS": "true", "GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true"}
        where = {"GITHUB_REPOSITORY": "acme/poser", "GITHUB_API_URL": f"{self.url}/api/v1"}
        return {**here, **where, "GITHUB_TOKEN": TOKEN}

    def route(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"token {TOKEN}":
            return 401, {}, {"message": "invalid username, password or token"}
        if not asked.path.startswith("/api/v1/"):
            return 404, {}, None
        asked = Asked(asked.method, asked.path.removeprefix("/api/v1"), asked.query, asked.headers, asked.body)
        if asked.path == "/user":
            return 200, {}, {"id": 5, "login": self.me}
        return self.endpoint(asked)

    def named(self, which: Any) -> str:
        """The label of a request: an id on Forgejo."""
        return self.known[int(which) - 1]

    def create_label(self, name: str) -> Reply:
        self.known.append(name)  # a second one with the same name, if need be
        return 201, {}, {"id": len(self.known), "name": name}

    def page(self, asked: Asked) -> Reply:
        size, page = min(int(asked.query.get("limit", 30)), 50), int(asked.query.get("page", 1))
        some = self.comments[(page - 1) * size : page * size] if self.paged else self.comments
        return 200, {"X-Total-Count": str(len(self.comments))}, [self.shown(comment) for comment in some]


class FakeGitLab(Fake):
    """Pages with X-Next-Page; its lists hold what the system noted, too."""

    name = "gitlab"

    def environ(self) -> dict[str, str]:
        here = {"GITLAB_CI": "true", "CI_API_V4_URL": f"{self.url}/api/v4", "CI_JOB_TOKEN": "not-for-notes"}
        # The pipeline runs in a fork, whose own number is another.
        projects = {"CI_PROJECT_ID": "99", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7"}
        return {**here, **projects, "GITLAB_TOKEN": TOKEN, "CI_COMMIT_SHA": COMMIT}

    def shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        author = {"id": 1, "username": comment["by"]}
        return {"id": comment["id"], "body": comment["body"], "author": author, "system": comment["by"] == "system"}

    def route(self, asked: Asked) -> Reply:
        if asked.headers.get("private-token") != TOKEN:
            return 401, {}, {"message": "401 Unauthorized"}
        return self.endpoint(asked)

    def endpoint(self, asked: Asked) -> Reply:  # noqa: PLR0911 - one for each
        match asked.method, asked.path.strip("/").split("/"):
            case "GET", ["api", "v4", "user"]:
                return 200, {}, {"id": 1, "username": self.me}
            case "GET", ["api", "v4", "projects", "42", "merge_requests", "7"]:
                return 200, {}, {"iid": 7, "sha": self.head, "labels": self.labels}
            case "PUT", ["api", "v4", "projects", "42", "merge_requests", "7"]:
                return self.relabel(asked.body)
            case "POST", ["api", "v4", "projects", "42", "labels"]:
                return self.create_label(asked.body["name"])
            case "GET", ["api", "v4", "projects", "42", "merge_requests", "7", "notes"]:
                return self.page(asked)
            case "POST", ["api", "v4", "projects", "42", "merge_requests", "7", "notes"]:
                return self.write(asked, 7, None)
            case "PUT", ["api", "v4", "projects", "42", "merge_requests", "7", "notes", id_]:
                return self.write(asked, 7, id_)
            case "DELETE", ["api", "v4", "projects", "42", "merge_requests", "7", "notes", id_]:
                return self.remove(id_)
        return 404, {}, {"message": "404 Not found"}

    def page(self, asked: Asked) -> Reply:
        size, page = min(int(asked.query.get("per_page", 20)), 100), int(asked.query.get("page", 1))
        ordered = self.comments if asked.query.get("sort") == "asc" else self.comments[::-1]
        shown = [self.shown(comment) for comment in ordered[(page - 1) * size : page * size]]
        return 200, {"X-Next-Page": str(page + 1) if page * size < len(self.comments) else ""}, shown

    def create_label(self, name: str) -> Reply:
        if name in self.known:
            return 409, {}, {"message": "Label already exists"}
        self.known.append(name)
        return 201, {}, {"id": len(self.known), "name": name}

    def relabel(self, body: dict[str, str]) -> Reply:
        added, removed = body.get("add_labels", ""), body.get("remove_labels", "")
        self.known += [added] if added and added not in self.known else []
        self.labels = [name for name in self.labels if name != removed] + ([added] if added else [])
        return 200, {}, {"iid": 7, "labels": self.labels}

    def too_long(self) -> Reply:
        return 400, {}, {"message": {"note": [f"is too long (maximum is {self.longest} characters)"]}}


FAKES = (FakeGitHub, FakeForgejo, FakeGitLab)


@contextmanager
def served(fake: Fake) -> Iterator[Fake]:
    """``fake`` on a free local port, its ``url`` set, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            headers = {key.lower(): value for key, value in self.headers.items()}
            reply = fake.answer(
                Asked(self.command, unquote(parts.path), query, headers, json.loads(raw) if raw else None, parts.path)
            )
            if reply is None:
                self.close_connection = True
                return
            status, extra, data = reply
            body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            for key, value in extra.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - signature of http.server
            """Nothing: the test looks at ``asked``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

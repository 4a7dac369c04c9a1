"""What the judge decided: the content of every report. Field names are those of the JSON report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

FORMAT = "alembic-review/1"


class Verdict(str, Enum):
    """Of a change: ``safe`` to write, ``blocked``, or ``upstream`` drift that is not the application's to write."""

    SAFE = "safe"
    BLOCKED = "blocked"
    UPSTREAM = "upstream"


class Outcome(str, Enum):
    """Of a run, worst first wins: ``failed``, ``blocked``, ``safe``, ``clean``."""

    CLEAN = "clean"
    SAFE = "safe"
    BLOCKED = "blocked"
    FAILED = "failed"


class Severity(str, Enum):
    """Of a finding."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Role(str, Enum):
    """Of a table: provided by a package underneath, by the application, or by nobody knows whom."""

    CORE = "core"
    CUSTOM = "custom"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Location:
    """``base`` is ``project`` (path relative to its root) or ``package`` (path starts with the package's name)."""

    base: str
    path: str
    line: int


@dataclass(frozen=True)
class Accepted:
    """Why a change or a finding is accepted, and until when (ISO 8601)."""

    reason: str
    until: str | None = None


def _scope(environment: str | None, database: str | None) -> str | None:
    return ", ".join(name for name in (environment, database) if name is not None) or None


@dataclass(frozen=True)
class Change:
    """One entry of Alembic's comparison, heads against models.

    ``kind`` is Alembic's word for it, or ``op:ClassName`` for an operation of a plugin. ``schema`` is null for the
    default one, ``table`` for a type that several tables share, ``name`` for a whole table and for an unnamed
    constraint. ``owner`` is the package that provides the table, ``cause`` the one that causes the change; null where
    nothing tells. Changes of one ``operation`` share ``python`` and ``sql``, which is null where it can't be told.
    ``findings`` are codes, ``columns`` those of an index or a constraint. ``database`` and ``environment``, the name of
    an Alembic environment in the settings, are set only where there are several. The ``fingerprint`` is the same for
    the same change in every run. What is ``accepted`` keeps its verdict, fails no check and is not written.
    ``new_name`` is what a rename that the user accepted leads to, ``replaces`` are the fingerprints of the changes that
    a run without it reports instead: the drop, the addition, and what else is no longer different.
    """

    fingerprint: str
    verdict: Verdict
    kind: str
    schema: str | None
    table: str | None
    name: str | None
    owner: str | None
    cause: str | None
    reason: str
    location: Location | None
    operation: int
    python: str
    sql: str | None
    findings: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    database: str | None = None
    environment: str | None = None
    accepted: Accepted | None = None
    new_name: str | None = None
    replaces: tuple[str, ...] = ()

    @property
    def scope(self) -> str | None:
        """Where it is, of several environments and databases."""
        return _scope(self.environment, self.database)


class State(str, Enum):
    """Of a change that a pull request brings: still ``pending``, or ``in_revision`` already."""

    PENDING = "pending"
    IN_REVISION = "in_revision"


@dataclass(frozen=True)
class ChangeSince(Change):
    """A change on the way from the base of a pull request to today's models.

    What is ``in_revision`` leads from the base to today's heads, ``revision`` is the one that makes it (``None`` where
    it can't be told). What is ``pending`` leads from there to the models.
    """

    state: State = State.PENDING
    revision: str | None = None


@dataclass(frozen=True)
class NewRevision:
    """A revision that the base of a pull request does not have, with the first line of its docstring."""

    id: str
    owner: str | None
    location: Location | None
    message: str = ""


class AcceptState(str, Enum):
    """Of an entry that accepts findings: it ``counts``, has ``expired``, or counts only ``after_merge``."""

    COUNTS = "counts"
    EXPIRED = "expired"
    AFTER_MERGE = "after_merge"


@dataclass(frozen=True)
class NewAccept:
    """An entry that accepts findings and that the base of a pull request does not have.

    ``findings`` are the fingerprints of those that it selects.
    """

    code: str
    reason: str
    table: str | None
    column: str | None
    name: str | None
    revision: str | None
    fingerprint: str | None
    until: str | None
    location: Location | None
    state: AcceptState
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PullRequest:
    """What a pull request changes.

    ``base`` is the full name of the commit it starts from, ``ref`` what was named to find it. ``accepts`` are the
    entries that accept findings and are new.
    """

    base: str
    new_revisions: tuple[NewRevision, ...] = ()
    changes: tuple[ChangeSince, ...] = ()
    ref: str = ""
    accepts: tuple[NewAccept, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """The way out for columns that the application hung onto a core table: a table of its own that holds them.

    ``code`` is a Python module with the ORM class, ready to be pasted; ``location`` is the line to take out for it, and
    ``changes`` are the fingerprints of the changes, ``findings`` those of the findings, that go away with it.
    """

    schema: str | None
    table: str
    columns: tuple[str, ...]
    code: str
    location: Location | None = None
    changes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    database: str | None = None


class ProofState(str, Enum):
    """Of a proof: it ``held``, it ``found`` something, or it was ``not_done``."""

    HELD = "held"
    FOUND = "found"
    NOT_DONE = "not_done"


@dataclass(frozen=True)
class Proof:
    """One proof on one database, with the reason why it was not done, or had nothing to do.

    ``database`` is set only where there are several.
    """

    proof: str
    database: str | None
    state: ProofState
    reason: str = ""


@dataclass(frozen=True)
class Finding:
    """``change`` is the fingerprint of the change it is about; ``fingerprint`` is the finding's own.

    ``name`` is the constraint, index, type or sequence. What a ``proof`` found has the ``statement`` as it ran, what
    was ``observed`` (SQLSTATE and message, a lock, numbers of rows, or what ``is`` and what was ``wanted``), and a
    ``suggestion``: code for the revision. ``database`` is the name of one of several databases, ``environment`` that of
    one of several Alembic environments, as for changes.
    """

    code: str
    severity: Severity
    blocks: bool
    message: str
    hint: str
    fingerprint: str
    change: str | None = None
    schema: str | None = None
    table: str | None = None
    revision: str | None = None
    location: Location | None = None
    database: str | None = None
    environment: str | None = None
    column: str | None = None
    name: str | None = None
    proof: str | None = None
    statement: str | None = None
    observed: dict[str, str | int | None] | None = None
    suggestion: str | None = None
    accepted: Accepted | None = None

    @property
    def scope(self) -> str | None:
        """Where it is, of several environments and databases."""
        return _scope(self.environment, self.database)


@dataclass(frozen=True)
class KnownFinding:
    """A finding of a baseline."""

    code: str
    fingerprint: str
    table: str | None
    message: str


@dataclass(frozen=True)
class KnownFindings:
    """What a baseline came to: its ``file`` as it was named, and how many findings are ``known``.

    Entries that are ``gone`` are those of which nothing was found any more.
    """

    file: str
    known: int
    gone: tuple[KnownFinding, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table with its owner.

    ``extends`` is the core table that it is tied to, one row to one row. ``evidence`` says why the owner is the owner.
    ``references`` are the other tables that its foreign keys in the models refer to.
    """

    schema: str | None
    name: str
    owner: str | None
    role: Role
    extends: str | None = None
    evidence: tuple[str, ...] = ()
    database: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """Whether the run is refused, and for what."""

    refused: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summary:
    """How many changes there are by verdict, and how many findings by severity.

    Changes and findings that are ``accepted`` are counted as that and nothing else.
    """

    safe: int = 0
    blocked: int = 0
    upstream: int = 0
    error: int = 0
    warning: int = 0
    info: int = 0
    accepted: int = 0


@dataclass(frozen=True)
class Failure:
    """Why a run could not review; only with outcome ``failed``."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class CacheUse:
    """Whether the results of an earlier ``replay`` were used: ``hit``, ``miss`` or ``off``, with the reason.

    ``trials`` says the same of downgrades and the dependency order of revisions.
    """

    replay: str = "off"
    reason: str = ""
    trials: str = "off"


@dataclass(frozen=True)
class Provenance:
    """Where the review comes from; the one part that differs between two equal runs.

    ``server_warning`` is what follows from a major version of the server that is not production's.
    ``project`` is the name of the project, ``commit`` the full name of its commit in Git, and ``date`` when the review
    was made (UTC, ISO 8601); empty where they are not known.
    ``interpreter`` is the path of the Python that ran the application, ``interpreter_source`` why it was that one:
    ``--python``, ``VIRTUAL_ENV``, ``.venv`` or ``tool``.
    """

    tool: str
    database: str = ""
    server: str = ""
    server_warning: str = ""
    alembic: str = ""
    sqlalchemy: str = ""
    python: str = ""
    interpreter: str = ""
    interpreter_source: str = ""
    config: str = ""
    root: str = ""
    custom: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    revisions: int = 0
    tables_compared: int = 0
    models: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    cache: CacheUse = field(default_factory=CacheUse)
    timings_ms: dict[str, int] = field(default_factory=dict)
    project: str = ""
    commit: str = ""
    date: str = ""


@dataclass(frozen=True)
class Review:
    """Everything that a report says. Upstream drift alone is a clean outcome."""

    outcome: Outcome
    gate: Gate
    summary: Summary
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    provenance: Provenance
    failure: Failure | None = None
    format: str = FORMAT
    pull_request: PullRequest | None = None
    suggestions: tuple[Suggestion, ...] = ()
    proofs: tuple[Proof, ...] = ()
    baseline: KnownFindings | None = None

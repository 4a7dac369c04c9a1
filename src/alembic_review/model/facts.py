"""What the worker observed, as plain data: it crosses the process border as JSON.

Nothing here is judged. Paths are absolute, lines count from 1, ``None`` as a schema is the database's default schema.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_review.model.keys import Place as Place  # noqa: PLC0414 - exported
from alembic_review.model.keys import TableKey as TableKey  # noqa: PLC0414 - exported


@dataclass(frozen=True)
class Frame:
    """One call frame of a stack, outside SQLAlchemy and Alembic.

    ``package`` is the import package that owns the file: the first regular package of its dotted module name, a lone
    module's own name, ``None`` where neither is known. ``hook`` marks a class-creation hook (``__init_subclass__``, the
    ``__init__`` or ``__new__`` of a metaclass): it runs for every class statement and defines no table of its own.
    ``body`` is true for code of a module or a class body, and false for a function.
    """

    path: str
    line: int
    function: str
    package: str | None = None
    module: str | None = None
    hook: bool = False
    body: bool = False


@dataclass(frozen=True)
class Package:
    """An import package that has a frame in a stack, a version location or an editable installation.

    ``project`` is the folder an editable installation points at; ``installed`` is true when the package lies below a
    ``sys.prefix``, a virtual environment or a site-packages folder.
    """

    name: str
    paths: tuple[str, ...]
    distribution: str | None = None
    editable: bool = False
    project: str | None = None
    installed: bool = False


@dataclass(frozen=True)
class Revision:
    """One revision script. ``package`` owns the file; ``None`` for a folder that belongs to no package.

    ``message`` is the first line of its docstring.
    """

    id: str
    path: str
    package: str | None
    version_location: str
    down_revisions: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    is_head: bool = False
    message: str = ""


@dataclass(frozen=True)
class VersionLocation:
    path: str
    package: str | None


@dataclass(frozen=True)
class Item:
    """A column, index or constraint of a model table.

    ``kind`` is ``column``, ``index`` or ``constraint`` (foreign keys are constraints). ``stack`` indexes
    ``Facts.stacks``: the frames that stood when it was attached, innermost first; ``None`` when nobody saw that.
    ``made`` is the stack in which a column was constructed, or the one it is a copy of.
    ``places`` has one entry for each frame of ``stack``: the line of the attribute itself where that frame is its class
    statement. They are only looked up for items that changes or other stacks than their table's make interesting.
    """

    kind: str
    name: str | None
    columns: tuple[str, ...] = ()
    stack: int | None = None
    foreign_key: bool = False
    places: tuple[Place, ...] = ()
    made: int | None = None


@dataclass(frozen=True)
class Edit:
    """What differs from the moment the table was attached to its MetaData.

    ``kind`` is ``column``, ``index``, ``constraint`` or ``table``; ``name`` the column, index or constraint (``None``
    for the table itself and for unnamed items); ``attribute`` what changed: ``type``, ``nullable``, ``server_default``,
    ``comment``, ``added``, ``removed``, and of the table also ``naming_convention``: that of its MetaData. ``stack`` is
    known only where the change went through an attribute assignment or a call that could be watched. ``early`` is what
    happened between the making of the column (of the MetaData) and that moment. ``stored`` is the name that the
    database may have for it, where that is not ``name``: databases shorten long names, and models may be renamed.
    """

    kind: str
    name: str | None
    attribute: str
    stack: int | None = None
    early: bool = False
    stored: str | None = None


@dataclass(frozen=True)
class Listener:
    """A function that listens to an event (``Column.after_parent_attach``) of every object of that class."""

    event: str
    place: Place
    package: str | None = None


@dataclass(frozen=True)
class CompileRule:
    """A function by which SQLAlchemy compiles a class of its own, a type or a DDL statement, as somebody else wants."""

    compiled: str
    place: Place
    package: str | None = None


@dataclass(frozen=True)
class ModelTable:
    """A table that was attached to one of the ``target_metadata``.

    ``stack`` is the definition site. ``sources`` are tables that stood in the locals of a generator's frames when this
    table was made (at most one is left when the generator can be read with certainty). ``references`` are the other
    tables that its foreign keys refer to, ``extends`` is the one that the whole primary key refers to. ``removed``
    tables are no longer in the MetaData at comparison time; ``removal`` is the stack of the call that took them out,
    where it was seen. ``reflected`` are the columns that were read from a database, or unpickled: no code defines them.
    """

    key: TableKey
    stack: int | None
    items: tuple[Item, ...] = ()
    edits: tuple[Edit, ...] = ()
    sources: tuple[TableKey, ...] = ()
    extends: TableKey | None = None
    references: tuple[TableKey, ...] = ()
    removed: bool = False
    removal: int | None = None
    reflected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Untargeted:
    """A table that the application's code defines and that is in no ``target_metadata``.

    ``stack`` is the definition site; tables of one MetaData have the same ``metadata``. It was ``removed`` from a
    target metadata, or never in one. ``bind`` is the key of another database that Flask-SQLAlchemy notes,
    ``elsewhere`` is true for a table that was created in another database.
    """

    key: TableKey
    stack: int | None
    metadata: int
    mapped: bool = True
    removed: bool = False
    bind: str = ""
    elsewhere: bool = False


@dataclass(frozen=True)
class ColumnCode:
    """A column as Alembic renders it, in parts: ``sa.Column(type, *foreign_keys, *options)``, and what it imports."""

    name: str
    type: str
    foreign_keys: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrmClass:
    """The ORM class of a table that has columns to add, or that got columns elsewhere than it was defined.

    ``mapped_class`` and ``base`` as ``module:Name``; ``columns`` are those that it got elsewhere.
    """

    key: TableKey
    mapped_class: str
    base: str
    primary_key: tuple[ColumnCode, ...]
    columns: tuple[ColumnCode, ...] = ()


@dataclass(frozen=True)
class Origin:
    """The revision that created a table, read from the catalogue during the replay."""

    key: TableKey
    revision: str
    package: str | None = None


@dataclass(frozen=True)
class Creation:
    """A table that was created from the target metadata, so that comparing it with the models proves nothing.

    ``call`` is what created it: ``metadata.create_all()``, ``table.create()`` or ``CreateTable``. ``stack`` are the
    frames behind the call, innermost first, ``None`` where no code of the application stood there. ``revision`` ran
    meanwhile; it is empty for env.py and for modules that were imported. ``defined`` is the stack in which the table
    was defined.
    """

    key: TableKey
    call: str
    stack: int | None = None
    revision: str = ""
    defined: int | None = None


@dataclass(frozen=True)
class Alteration:
    """What one revision did to a table that existed before it.

    ``kind`` is ``column``, ``index``, ``constraint``, ``trigger``, ``rule``, ``policy``, ``statistics``, ``setting`` or
    ``table``; ``action`` is ``added``, ``removed``, ``changed``, ``dropped``, ``renamed`` (``name`` is then the new
    name), or ``dropped_or_renamed`` where the database can't tell. With a ``place``, code of ``package`` at that line
    did it, while the revision ran or, where that is empty, outside of all of them. ``key`` is the name the table had
    before. ``before`` and ``after`` are what the database says the item is, ``None`` where it was not there.
    """

    revision: str
    key: TableKey
    kind: str
    action: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None
    place: Place | None = None
    package: str | None = None


@dataclass(frozen=True)
class TypeUse:
    """A column that uses a shared type.

    ``where`` is ``models`` or ``database``; ``values`` are those that the model's column declares for the type.
    """

    key: TableKey
    column: str
    where: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What a foreign key refers to: these columns of this table."""

    key: TableKey
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ColumnShape:
    """A column, as far as it tells whether two of them may be the same: ``default`` and ``type`` as text.

    ``references`` are the columns that its foreign keys refer to, as ``table.column``.
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """An ``index`` or a ``sequence`` of a table, which keeps its name when the table is renamed."""

    kind: str
    name: str


@dataclass(frozen=True)
class ChangeFact:
    """One entry of the flattened ``compare_metadata`` list, or a rename that the user accepted.

    ``item`` indexes ``ModelTable.items`` of the change's table: the model's column, index or constraint behind it.
    ``wanted`` is what the change leads to as the dialect compiles it (empty for removals); ``existing`` what it
    replaces.
    ``readable`` is false for an operation whose table can't be told with certainty. ``operation`` numbers the Alembic
    operation; entries of one operation share ``python`` and ``sql``.
    ``stored`` is as in ``Edit``.
    ``shapes`` are the columns that a change adds or removes, ``siblings`` all columns of the same table in their order.
    ``left`` are those of a removed table.
    A rename has its ``new_name``, the words by which it was ``asked`` for, and the entries that it ``replaces``: first
    the drop and the addition, then whatever else is no longer different.
    """

    kind: str
    key: TableKey | None
    schema: str | None
    name: str | None
    operation: int
    python: str
    sql: str | None
    columns: tuple[str, ...] = ()
    wanted: str = ""
    existing: str = ""
    item: int | None = None
    readable: bool = True
    type_name: str | None = None
    type_users: tuple[TypeUse, ...] = ()
    references: tuple[Reference, ...] = ()
    code: ColumnCode | None = None
    stored: str | None = None
    shapes: tuple[ColumnShape, ...] = ()
    siblings: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    new_name: str | None = None
    asked: str = ""
    replaces: tuple[ChangeFact, ...] = ()


@dataclass(frozen=True)
class Filtered:
    """Something that a ``filter`` of ``env.py``, ``include_object`` or ``include_name``, kept out."""

    filter: str
    kind: str
    schema: str | None
    name: str | None
    table: str | None = None


@dataclass(frozen=True)
class Hidden:
    """A change that Alembic's plain comparison shows and the comparison of ``env.py`` does not.

    ``filter`` is the option of ``context.configure()`` that hides it, or what replaces Alembic's comparison; ``wanted``
    and ``existing`` are as in ``ChangeFact``.
    """

    filter: str
    kind: str
    key: TableKey
    name: str | None
    columns: tuple[str, ...] = ()
    wanted: str = ""
    existing: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Filter:
    """A filter or hook that ``env.py`` configured, with its place."""

    name: str
    place: Place | None = None


@dataclass(frozen=True)
class Privilege:
    """A statement that only a superuser may execute, with PostgreSQL's words of refusal.

    ``revision`` is the one that runs it, or empty; ``path`` is empty where the line is not known.
    """

    statement: str
    refusal: str
    revision: str = ""
    path: str = ""
    line: int = 0


@dataclass(frozen=True)
class ServerChange:
    """A difference of a given server after the run: ``action`` is ``created``, ``changed`` or ``dropped``.

    ``kind`` is ``role``, ``database``, ``setting`` and the like; ``what`` are the names of the attributes that differ.
    ``reason`` says why something that was created is still there.
    """

    kind: str
    name: str
    action: str
    what: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class RevisionFailure:
    """What a revision script raised: one line, the statement behind it, and the line in the revision's file."""

    error: str
    statement: str = ""
    place: Place | None = None


NOT_ASKED = "tried only with --full"
"""Why merged revisions were not downgraded, or applied in another order."""


@dataclass(frozen=True)
class Downgrade:
    """One revision that was taken back after the comparison.

    ``needed`` tells whether its upgrade did anything to the schema, ``changed`` whether its downgrade did;
    ``left`` are tables that the upgrade created and the downgrade did not drop. ``skipped`` says why it was not tried.
    """

    revision: str
    needed: bool = True
    changed: bool = True
    left: tuple[TableKey, ...] = ()
    failure: RevisionFailure | None = None
    skipped: str = ""


@dataclass(frozen=True)
class OrderTrial:
    """A replay on further scratch databases: each of these ``revisions`` as early as ``depends_on`` lets it come.

    They are those of one ``package``, or of one folder outside any. ``failed`` is the one that did not apply,
    ``before`` are the revisions that had come before it and now did not. ``skipped`` says why it ended early.
    """

    package: str | None
    revisions: tuple[str, ...]
    failed: str | None = None
    before: tuple[str, ...] = ()
    failure: RevisionFailure | None = None
    skipped: str = ""


@dataclass(frozen=True)
class DatabaseFacts:
    """One target database and one ``run_migrations``. ``target`` is the original URL without its password.

    ``former`` are tables that a revision created and a later one dropped or renamed. ``version_tables`` are those
    without a model whose only column is ``version_num``: the version tables of other histories. ``not_undone`` says in
    words what is not again as it was after the revisions on trial were taken back, ``types_left`` which types stay.
    ``before`` are tables that the settings made before the first revision. ``default_schema`` is what a ``None`` stands
    for. ``unseen`` takes the place of ``not_checked`` where the proof of blind spots was done.

    Of several environments in one database, all have the same ``scratch``, which differs from run to run; one is
    ``modelless`` that was only upgraded, because its env.py has no models. ``elsewhere`` are models that only others
    have, ``other_origins`` are revisions of others that created tables, ``other_creations`` are of tables that are not
    in this target metadata, and may be in that of others.
    """

    target: str
    name: str | None
    dialect: str
    driver: str
    server_version: str
    heads: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    former: tuple[Origin, ...] = ()
    creations: tuple[Creation, ...] = ()
    other_creations: tuple[Creation, ...] = ()
    before: tuple[TableKey, ...] = ()
    alterations: tuple[Alteration, ...] = ()
    tables: tuple[ModelTable, ...] = ()
    database_tables: tuple[TableKey, ...] = ()
    version_tables: tuple[TableKey, ...] = ()
    changes: tuple[ChangeFact, ...] = ()
    declarations: tuple[OrmClass, ...] = ()
    compared: int = 0
    filters: tuple[Filter, ...] = ()
    filtered: tuple[Filtered, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    plugins: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    not_undone: tuple[str, ...] = ()
    types_left: tuple[str, ...] = ()
    downgrades: tuple[Downgrade, ...] = ()
    version_table: TableKey | None = None
    default_schema: str | None = None
    modelless: bool = False
    scratch: str = ""
    elsewhere: tuple[ModelTable, ...] = ()
    other_origins: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class TrialFacts:
    """What the application's revisions do beyond one upgrade; ``downgrades`` for each database, in the facts' order.

    ``not_checked`` and ``timings_ms`` take the place of the facts' own.
    """

    downgrades: tuple[tuple[Downgrade, ...], ...] = ()
    order_trials: tuple[OrderTrial, ...] = ()
    not_checked: tuple[str, ...] = ()
    timings_ms: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Everything one worker saw. ``stacks`` holds indexes into ``frames``, innermost frame first.

    ``modules`` are the loaded modules of these packages and whatever else is loaded and not installed,
    ``search_path`` the folders that modules are imported from, without those of installations, editable ones included.
    ``environment`` is the name of this Alembic environment, where there are several in one database; what the others
    have is in ``other_revisions``, ``other_locations`` and ``other_tables``. ``untargeted`` are the tables that no
    environment compares. ``superuser`` is the statement for which the replay was repeated as superuser,
    ``server_changes`` are of a given server.
    """

    python: str
    alembic: str
    sqlalchemy: str
    config: str | None
    script_location: str
    env_py: str
    version_locations: tuple[VersionLocation, ...]
    revisions: tuple[Revision, ...]
    heads: tuple[str, ...]
    databases: tuple[DatabaseFacts, ...]
    packages: tuple[Package, ...] = ()
    frames: tuple[Frame, ...] = ()
    stacks: tuple[tuple[int, ...], ...] = ()
    modules: tuple[str, ...] = ()
    search_path: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    compile_rules: tuple[CompileRule, ...] = ()
    order_trials: tuple[OrderTrial, ...] = ()
    not_checked: tuple[str, ...] = ()
    timings_ms: dict[str, int] = field(default_factory=dict)
    environment: str | None = None
    other_revisions: tuple[Revision, ...] = ()
    other_locations: tuple[VersionLocation, ...] = ()
    other_tables: tuple[TableKey, ...] = ()
    superuser: Privilege | None = None
    server_changes: tuple[ServerChange, ...] = ()
    untargeted: tuple[Untargeted, ...] = ()


@dataclass(frozen=True)
class DeclaredTable:
    """A table declaration found by reading source: a class or a ``Table(…)`` call.

    ``table`` is ``None`` where its name can't be read: only running the module would tell it.
    """

    package: str
    module: str
    table: str | None
    path: str
    line: int
    schema: str | None = None

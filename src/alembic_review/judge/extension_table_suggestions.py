"""The way out for columns that the application hung onto a core table: the class of an extension table for them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alembic_review.judge.judged_facts import Case, Judged, JudgedDatabase
from alembic_review.judge.ownership.table_owners import Owned, table_text
from alembic_review.judge.table_prefixes import habitual_prefix
from alembic_review.judge.verdicts.cause import Cause
from alembic_review.model.facts import ColumnCode, ModelTable, OrmClass
from alembic_review.model.review import Finding, Role, Suggestion

SUGGESTIONS = "suggested extension tables for columns of core tables"
_ALTERED = "AR105"
# What SQLAlchemy keeps for itself in an ORM class.
_RESERVED = frozenset({"metadata", "registry"})


@dataclass(frozen=True)
class _Hung:
    """A column of the application on a core table; ``judged`` is its change, unless a revision made it already."""

    cause: Cause
    code: ColumnCode | None
    judged: Judged | None


def suggestions(case: Case, findings: Sequence[Finding]) -> tuple[Suggestion, ...]:
    """One for each core table with columns of the application, where it can be written with certainty."""
    return tuple(one for database in case.databases for one in _suggestions(case, database, findings))


def _suggestions(case: Case, database: JudgedDatabase, findings: Sequence[Finding]) -> Iterator[Suggestion]:
    for declaration in sorted(database.facts.declarations, key=lambda one: table_text(one.key)):
        owned = database.ownership.tables[declaration.key]
        if owned.role is not Role.CORE or owned.model is None:
            continue
        hung = list(_hung(database, owned, owned.model, declaration))
        columns = [one.code for one in hung if one.code is not None]
        package = _package(case, hung)
        if not columns or len(columns) < len(hung) or package is None:
            continue
        name = _table_name(case, database, declaration, package)
        if name is None or not _imports_agree(declaration, columns, name):
            continue
        # A generated copy, an index or a foreign key goes away with its column.
        names = {column.name for column in columns}
        gone = [judged for judged in database.changes if judged.blocked and _goes(database, owned, judged, names)]
        fingerprints = tuple(judged.fingerprint for judged in gone)
        yield Suggestion(
            schema=declaration.key.schema,
            table=declaration.key.name,
            columns=tuple(column.name for column in columns),
            code=_code(declaration, columns, name, package),
            location=case.evidence.locations.of(hung[0].cause.place),
            changes=fingerprints,
            findings=tuple(
                finding.fingerprint
                for finding in findings
                if finding.database == database.name
                if finding.change in fingerprints or any(_tells(case, finding, owned, one) for one in hung)
            ),
            database=database.name,
        )


def _hung(database: JudgedDatabase, owned: Owned, model: ModelTable, declaration: OrmClass) -> Iterator[_Hung]:
    known = {column.name: column for column in declaration.columns}
    pending = {
        judged.fact.item: judged
        for judged in database.changes
        if judged.blocked and judged.fact.kind == "add_column" and judged.fact.key == owned.key
    }
    for number, item in enumerate(model.items):
        cause = database.causes.of_item(owned, item)
        if item.kind == "column" and cause.application and not cause.inherited:
            judged = pending.get(number)
            yield _Hung(cause, judged.fact.code if judged is not None else known.get(item.name or ""), judged)


def _tells(case: Case, finding: Finding, owned: Owned, hung: _Hung) -> bool:
    """Whether a finding is about a column that nothing is pending for."""
    told = finding.code == _ALTERED and (finding.schema, finding.table) == (owned.key.schema, owned.key.name)
    return told and hung.judged is None and finding.location == case.evidence.locations.of(hung.cause.place)


def _goes(database: JudgedDatabase, owned: Owned, judged: Judged, names: set[str]) -> bool:
    fact = judged.fact
    if fact.key is None or not set(fact.columns) & names:
        return False
    if fact.key == owned.key:
        return True
    other = database.ownership.tables[fact.key]
    return other.model is not None and owned.key in other.model.sources


def _package(case: Case, hung: Iterable[_Hung]) -> str | None:
    """The one custom package that hung them there."""
    packages = {one.cause.package for one in hung}
    return next(iter(packages)) if len(packages) == 1 and packages <= case.evidence.custom else None


def _table_name(case: Case, database: JudgedDatabase, declaration: OrmClass, package: str) -> str | None:
    """As the application calls its tables; ``None`` when there is such a table, or an extension table already."""
    tables = database.ownership.tables
    own = [key.name for key, owned in tables.items() if owned.owner == package]
    prefix = case.settings.prefix or habitual_prefix(own, package) or f"{package.rpartition('.')[2]}_"
    extended = {
        owned.model.extends for owned in tables.values() if owned.role is Role.CUSTOM and owned.model is not None
    }
    name = f"{prefix}{declaration.key.name}"
    taken = any(key.name == name for key in tables) or declaration.key in extended
    return None if taken else name


def _code(declaration: OrmClass, columns: Sequence[ColumnCode], name: str, package: str) -> str:
    module, _, core = declaration.mapped_class.partition(":")
    base_module, _, base = declaration.base.partition(":")
    target = table_text(declaration.key)
    keys = declaration.primary_key
    imports = {line for column in (*keys, *columns) for line in column.imports}
    lines = [
        f'"""What {package} keeps of each {_snake(core)}: one row for each row of {target}."""',
        "",
        *sorted({"import sqlalchemy as sa", *(line for line in imports if line.startswith("import "))}),
        *sorted({"from sqlalchemy import orm", *(line for line in imports if not line.startswith("import "))}),
        "",
        *_imports({(base_module, base), (module, core)}),
        "",
        "",
        f"class {_camel(name)}({base}):",
        f'    __tablename__ = "{name}"',
        *_arguments(declaration),
        "",
    ]
    single = len(keys) == 1
    for key in keys:
        reference = f', sa.ForeignKey("{target}.{key.name}")' if single else ""
        lines.append(f"    {_identifier(key.name)} = sa.Column({_named(key)}{key.type}{reference}, primary_key=True)")
    for column in columns:
        parts = ", ".join([column.type, *column.foreign_keys, *column.options])
        lines.append(f"    {_identifier(column.name)} = sa.Column({_named(column)}{parts})")
    joined = f"foreign_keys=[{', '.join(_identifier(key.name) for key in keys)}], "
    # The class may be mapped to more tables than its own, and a foreign key lead to one of those.
    options = joined if any(column.foreign_keys for column in columns) else ""
    attribute = _free_attribute(_snake(core), {_identifier(column.name) for column in (*keys, *columns)})
    lines += ["", f'    {attribute} = orm.relationship({core}, {options}backref=orm.backref("{name}", uselist=False))']
    return "\n".join(lines) + "\n"


def _free_attribute(name: str, taken: set[str]) -> str:
    """The relationship's name, which must not be that of a column."""
    while name in taken:
        name = f"{name}_row"
    return name


def _imports_agree(declaration: OrmClass, columns: Sequence[ColumnCode], name: str) -> bool:
    """False where one name would mean two things in the module."""
    classes = [declaration.mapped_class, declaration.base]
    statements = {f"from {one.partition(':')[0]} import {one.partition(':')[2]}" for one in classes}
    statements |= {line for column in (*declaration.primary_key, *columns) for line in column.imports}
    bound = [line.rpartition(" ")[2].partition(".")[0] for line in statements - {"from sqlalchemy import orm"}]
    return len({*bound, "sa", "orm", _camel(name)}) == len(bound) + 3


def _imports(names: set[tuple[str, str]]) -> list[str]:
    modules = sorted({module for module, _ in names})
    return [f"from {module} import {', '.join(sorted(one for at, one in names if at == module))}" for module in modules]


def _arguments(declaration: OrmClass) -> list[str]:
    """A key of several columns is one foreign key."""
    if len(declaration.primary_key) == 1:
        return []
    names = [key.name for key in declaration.primary_key]
    targets = [f"{table_text(declaration.key)}.{name}" for name in names]
    return [f"    __table_args__ = (sa.ForeignKeyConstraint({names!r}, {targets!r}),)"]


def _named(column: ColumnCode) -> str:
    """The name as an argument, where the attribute can't be called so."""
    return "" if _identifier(column.name) == column.name else f"{column.name!r}, "


def _identifier(name: str) -> str:
    plain = re.sub(r"\W", "_", name)
    if plain in _RESERVED:
        return f"{plain}_"
    return f"{plain}_" if keyword.iskeyword(plain) else f"_{plain}" if plain[:1].isdigit() else plain


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", name))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

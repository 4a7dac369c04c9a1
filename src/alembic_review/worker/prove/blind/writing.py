"""The ``op`` calls of a revision that bring the database to what the models declare, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.engine import Dialect

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import BlindSpot
from alembic_review.worker.prove.blind.differences import split_elements
from alembic_review.worker.prove.blind.state import ItemState, State, TypeName

Code = tuple["str | None", "str | None"]
"""For ``upgrade()`` and ``downgrade()``; ``None`` where there is no way."""

# A colon that text() takes for the beginning of a parameter.
_PARAMETER = re.compile(r"(?<!:):(?=\w)")
_OPTION = re.compile(r"INCREMENT BY -?\d+|MINVALUE -?\d+|MAXVALUE -?\d+|START WITH -?\d+|CACHE \d+|(?:NO )?CYCLE")
_TYPES = {
    "primary_key": "primary",
    "check": "check",
    "unique": "unique",
    "foreign_key": "foreignkey",
    "exclude": "exclude",
}


@dataclass(frozen=True)
class Writer:
    """Writes for one dialect; ``existing`` and ``wanted`` are the states that differ."""

    dialect: Dialect
    existing: State
    wanted: State

    def code(self, spot: BlindSpot) -> Code:
        """What a revision would have for this difference."""
        if self.dialect.name != "postgresql":
            return (None, None) if spot.renamed or spot.key is None else (_sqlite(spot, spot.key), None)
        if spot.renamed:
            return self._renamed(spot)
        if spot.kind == "sequence":
            return _sequence(spot)
        if spot.kind == "enum_value":
            return self._enum(spot)
        if spot.key is None or spot.kind in ("partitioning", "domain"):
            return None, None
        return self._both(spot, spot.key)

    def _both(self, spot: BlindSpot, key: TableKey) -> Code:
        if spot.column is not None:
            # Values that the server makes are not there any more after a downgrade.
            back = spot.kind not in ("identity", "generated")
            upgrade = self._column(spot, key, spot.wanted, spot.existing)
            return upgrade, self._column(spot, key, spot.existing, spot.wanted) if back else None
        if spot.kind in (*_TYPES, "index"):
            texts = ((self.existing, spot.existing), (self.wanted, spot.wanted))
            items = [_found(state.tables[key].items, spot, text) for state, text in texts]
            return self._replaced(key, *items), self._replaced(key, *reversed(items))
        return self._table(spot, spot.wanted, spot.existing), self._table(spot, spot.existing, spot.wanted)

    def _renamed(self, spot: BlindSpot) -> Code:
        if self.dialect.name != "postgresql" or spot.key is None:
            return None, None
        table, names = self._name(spot.key), (self._quoted(spot.existing), self._quoted(spot.wanted))
        return tuple(
            _execute(f"ALTER TABLE {table} RENAME CONSTRAINT {one} TO {other}") for one, other in (names, names[::-1])
        )  # type: ignore[return-value] # two of them

    def _enum(self, spot: BlindSpot) -> Code:
        name = next((one for one in self.wanted.enums if one[1] == spot.name), None)
        if name is None:
            return None, None
        shown = self._quoted(name[1])
        if name[0] != self.dialect.default_schema_name:
            shown = f"{self._quoted(name[0])}.{shown}"
        before, after = self.existing.enums.get(name, ()), self.wanted.enums[name]
        new, gone = [one for one in after if one not in before], [one for one in before if one not in after]
        if len(before) == len(after) and len(new) == len(gone) == 1 and before.index(gone[0]) == after.index(new[0]):
            pair = (_literal(gone[0]), _literal(new[0]))
            there, back = (f"ALTER TYPE {shown} RENAME VALUE {one} TO {other}" for one, other in (pair, pair[::-1]))
            return _execute(there), _execute(back)
        lines = []
        for number, label in enumerate(after):
            if label in new:
                # The place among the values counts for comparisons and ORDER BY.
                later = next((one for one in after[number + 1 :] if one in before), None)
                where = f" BEFORE {_literal(later)}" if later is not None else ""
                lines.append(_execute(f"ALTER TYPE {shown} ADD VALUE {_literal(label)}{where}"))
        return "\n".join(lines) or None, "\n".join(self._enum_again(name, shown, before)) if lines else None

    def _enum_again(self, name: TypeName, shown: str, labels: Iterable[str]) -> Iterator[str]:
        """No statement drops a value: another type takes the place of the one that has it."""
        old = self._quoted(f"{name[1]}_old")
        yield _execute(f"ALTER TYPE {shown} RENAME TO {old}")
        yield _execute(f"CREATE TYPE {shown} AS ENUM ({', '.join(map(_literal, labels))})")
        for key, table in self.existing.tables.items():
            for column, state in table.columns.items():
                if state.of_type != name:
                    continue
                alter, called = (
                    f"ALTER TABLE {self._name(key)} ALTER COLUMN {self._quoted(column)}",
                    self._quoted(column),
                )
                brackets = "[]" if state.type.endswith("[]") else ""
                if state.default:
                    yield _execute(f"{alter} DROP DEFAULT")
                yield _execute(f"{alter} TYPE {shown}{brackets} USING {called}::text{brackets}::{shown}{brackets}")
                if state.default:
                    yield _execute(f"{alter} SET DEFAULT {state.default}")
        schema = "" if name[0] == self.dialect.default_schema_name else f"{self._quoted(name[0])}."
        yield _execute(f"DROP TYPE {schema}{old}")

    def _column(self, spot: BlindSpot, key: TableKey, wanted: str, existing: str) -> str | None:
        name = spot.column or ""
        column, table = self._quoted(name), self._name(key)
        state = self.wanted.tables[key].columns[name]
        alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
        call = f"op.alter_column({key.name!r}, {name!r}, "
        options = {
            "server_default": f"server_default={f'sa.text({_text(wanted)})' if wanted else None}{_schema(key)})",
            "nullable": f"nullable={wanted == 'NULL'}{_schema(key)})",
        }
        if spot.kind in options:
            return f"{call}{options[spot.kind]}"
        statements = {
            "type": f"{alter} TYPE {wanted} USING {column}::{wanted}",
            "collation": f"{alter} TYPE {state.type} COLLATE {self._quoted(wanted or 'default')}",
        }
        if spot.kind in statements:
            return _execute(statements[spot.kind])
        if spot.kind == "identity":
            return self._identity(spot, alter, wanted, existing)
        if spot.kind == "storage":
            return "\n".join(self._storage(alter, wanted)) or None
        return self._generated(spot, wanted) if wanted else _execute(f"{alter} DROP EXPRESSION")

    @staticmethod
    def _storage(table: str, wanted: str) -> Iterator[str]:
        word, _, compression = wanted.partition("COMPRESSION ")
        if word.strip():
            yield _execute(f"{table} SET STORAGE {word.strip()}")
        if compression:
            yield _execute(f"{table} SET COMPRESSION {compression}")

    def _identity(self, spot: BlindSpot, table: str, wanted: str, existing: str) -> str:
        assert spot.key is not None
        if not wanted:
            return _execute(f"{table} DROP IDENTITY")
        always = wanted.startswith("GENERATED ALWAYS")
        if existing:
            options = " ".join(f"SET {one}" for one in _OPTION.findall(wanted))
            return _execute(f"{table} SET GENERATED {'ALWAYS' if always else 'BY DEFAULT'} {options}".rstrip())
        lines = []
        states = [state.tables[spot.key].columns[spot.column or ""] for state in (self.existing, self.wanted)]
        default = next((one.default for one in states if one.default), "")
        if default:
            lines.append(_execute(f"{table} DROP DEFAULT"))
            sequence = re.fullmatch(r"nextval\('(.+)'::regclass\)", default)
            if sequence is not None and any(one.serial for one in states):
                lines.append(_execute(f"DROP SEQUENCE {sequence[1]}"))
        lines.append(_execute(f"{table} ADD GENERATED {'ALWAYS' if always else 'BY DEFAULT'} AS IDENTITY"))
        name = self._name(spot.key)
        column = self._quoted(spot.column or "")
        found = f"pg_get_serial_sequence({_literal(name)}, {_literal(spot.column or '')})"
        lines.append(_execute(f"SELECT setval({found}, max({column})) FROM {name}"))
        return "\n".join(lines)

    def _generated(self, spot: BlindSpot, wanted: str) -> str:
        """The column is dropped and added again: the expression then fills it."""
        assert spot.key is not None
        name, column = self._name(spot.key), self._quoted(spot.column or "")
        state = self.wanted.tables[spot.key].columns[spot.column or ""]
        drop = f"op.drop_column({spot.key.name!r}, {spot.column!r}{_schema(spot.key)})"
        return f"{drop}\n{_execute(f'ALTER TABLE {name} ADD COLUMN {column} {state.type} {wanted}')}"

    def _replaced(self, key: TableKey, before: ItemState | None, after: ItemState | None) -> str:
        lines = []
        if before is not None and before.kind == "index":
            lines.append(f"op.drop_index({before.name!r}, table_name={key.name!r}{_schema(key)})")
        elif before is not None:
            kind = f", type_={_TYPES[before.kind]!r}" if before.kind != "exclude" else ""
            lines.append(f"op.drop_constraint({before.name!r}, {key.name!r}{kind}{_schema(key)})")
        if after is not None:
            lines.append(self._created(key, after))
        return "\n".join(lines)

    def _created(self, key: TableKey, item: ItemState) -> str:
        schema, columns = _schema(key), list(item.columns)
        if item.kind == "check":
            inside = re.fullmatch(r"CHECK \((.*)\)((?: NOT VALID)?)", item.definition, re.DOTALL)
            if inside is not None:
                valid = ", postgresql_not_valid=True" if inside[2] else ""
                return f"op.create_check_constraint({item.name!r}, {key.name!r}, {_text(inside[1])}{valid}{schema})"
        if item.kind == "primary_key" and item.definition == f"PRIMARY KEY ({', '.join(map(self._quoted, columns))})":
            return f"op.create_primary_key({item.name!r}, {key.name!r}, {columns!r}{schema})"
        plain = f"UNIQUE ({', '.join(map(self._quoted, columns))})"
        if item.kind == "unique" and item.definition.startswith(plain):
            options = _UNIQUE.get(item.definition[len(plain) :])
            if options is not None:
                return f"op.create_unique_constraint({item.name!r}, {key.name!r}, {columns!r}{options}{schema})"
        if item.kind == "exclude":
            found = re.fullmatch(r"EXCLUDE USING (\w+) \((.*)\)", item.definition)
            elements = [one.rsplit(" WITH ", 1) for one in split_elements(found[2])] if found is not None else []
            if found is not None and all(len(one) == 2 and one[0] in columns for one in elements):  # noqa: PLR2004 - column and operator
                pairs = ", ".join(f"({one!r}, {operator!r})" for one, operator in elements)
                return f"op.create_exclude_constraint({item.name!r}, {key.name!r}, {pairs}, using={found[1]!r}{schema})"
        if item.kind == "index":
            return _execute(item.statement)
        name = self._quoted(item.name)
        return _execute(f"ALTER TABLE {self._name(key)} ADD CONSTRAINT {name} {item.definition}")

    def _table(self, spot: BlindSpot, wanted: str, existing: str) -> str | None:
        assert spot.key is not None
        table = f"ALTER TABLE {self._name(spot.key)}"
        if spot.kind == "unlogged":
            return _execute(f"{table} SET {wanted}")
        if spot.kind == "comment":
            text = _literal(wanted) if wanted else "NULL"
            items = self.wanted.tables[spot.key].items
            if any(one.kind == "index" and one.name == spot.name for one in items):
                return _execute(f"COMMENT ON INDEX {self._quoted(spot.name or '')} IS {text}")
            return _execute(
                f"COMMENT ON CONSTRAINT {self._quoted(spot.name or '')} ON {self._name(spot.key)} IS {text}"
            )
        new, old = _options(wanted), _options(existing)
        if spot.kind != "storage" or any("=" not in one for one in {*new} ^ {*old}):
            return None
        gone = [one.split("=")[0] for one in old if one.split("=")[0] not in {each.split("=")[0] for each in new}]
        added = [one for one in new if one not in old]
        lines = [_execute(f"{table} SET ({', '.join(added)})")] * bool(added)
        return "\n".join([*lines, *[_execute(f"{table} RESET ({', '.join(gone)})")] * bool(gone)])

    def _name(self, key: TableKey) -> str:
        return (
            f"{self._quoted(key.schema)}.{self._quoted(key.name)}" if key.schema is not None else self._quoted(key.name)
        )

    def _quoted(self, name: str) -> str:
        return str(self.dialect.identifier_preparer.quote(name))


_UNIQUE = {
    "": "",
    " DEFERRABLE": ", deferrable=True",
    " DEFERRABLE INITIALLY DEFERRED": ", deferrable=True, initially='DEFERRED'",
}


def _found(items: Iterable[ItemState], spot: BlindSpot, definition: str) -> ItemState | None:
    """The item that the blind spot is about; several may have one definition."""
    same = [one for one in items if (one.kind, one.definition) == (spot.kind, definition)]
    return next((one for one in same if one.name == spot.name), same[0] if same else None)


def _options(text: str) -> list[str]:
    return [one for one in text.split(", ") if one]


def _sequence(spot: BlindSpot) -> Code:
    if spot.existing:
        name = spot.name or ""
        return tuple(_execute(f'ALTER SEQUENCE "{name}" {text}') for text in (spot.wanted, spot.existing))  # type: ignore[return-value] # two of them
    made = f"sa.Sequence({spot.name!r})"
    if not re.fullmatch(r"AS bigint INCREMENT BY 1 MINVALUE 1 MAXVALUE \d+ START WITH 1 CACHE 1 NO CYCLE", spot.wanted):
        return _execute(f'CREATE SEQUENCE "{spot.name}" {spot.wanted}'), f"op.execute(sa.schema.DropSequence({made}))"
    return f"op.execute(sa.schema.CreateSequence({made}))", f"op.execute(sa.schema.DropSequence({made}))"


def _sqlite(spot: BlindSpot, key: TableKey) -> str | None:
    """SQLite builds the table again for each of these."""
    default = f"sa.text({_text(f'({spot.wanted})')})" if spot.wanted else None
    condition = spot.wanted.removeprefix("CHECK (").removesuffix(")")
    calls = {
        "server_default": f"alter_column({spot.column!r}, server_default={default})",
        "nullable": f"alter_column({spot.column!r}, nullable={spot.wanted == 'NULL'})",
    }
    if spot.wanted and spot.name is not None:
        calls["check"] = f"create_check_constraint({spot.name!r}, {_text(condition)})"
    if spot.wanted:
        calls["primary_key"] = f"create_primary_key('pk_{key.name}', {list(spot.columns)!r})"
    if spot.kind in calls:
        return f"with op.batch_alter_table({key.name!r}) as batch_op:\n    batch_op.{calls[spot.kind]}"
    if (spot.kind, spot.wanted) == ("storage", "AUTOINCREMENT"):
        options = "recreate='always', table_kwargs={'sqlite_autoincrement': True}"
        return f"with op.batch_alter_table({key.name!r}, {options}):\n    pass"
    return None


def _schema(key: TableKey) -> str:
    return f", schema={key.schema!r}" if key.schema is not None else ""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _text(sql: str) -> str:
    return repr(_PARAMETER.sub(r"\\:", sql))


def _execute(sql: str) -> str:
    return f"op.execute({_text(sql)})"

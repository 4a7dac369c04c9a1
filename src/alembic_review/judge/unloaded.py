"""Tables that the application's source declares in modules that nobody imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alembic_review.model.facts import Declared, TableKey


class Unloaded:
    """Those declarations whose module was not loaded and whose table no loaded model has."""

    def __init__(self, declared: Iterable[Declared], modules: Collection[str], models: Collection[TableKey]) -> None:
        names = {key.name for key in models}
        self._entries = sorted(
            (
                entry
                for entry in declared
                if entry.module not in modules
                and TableKey(entry.schema, entry.table) not in models
                # Where the source does not say a schema, the MetaData may.
                and not (entry.schema is None and entry.table in names)
            ),
            key=lambda entry: (entry.module, entry.line, entry.table),
        )

    def __iter__(self) -> Iterator[Declared]:
        return iter(self._entries)

    def of(self, key: TableKey) -> Declared | None:
        """The declaration of a table of this name, in whichever schema the source puts it."""
        return next((entry for entry in self._entries if entry.table == key.name), None)

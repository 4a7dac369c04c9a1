"""Tables that the application's source declares in modules that nobody imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alembic_review.model.facts import DeclaredTable, TableKey


class Unloaded:
    """Those declarations whose module was not loaded and whose table no loaded model has.

    ``files`` were executed without being loaded as modules, as Alembic does with env.py. Of the tables of a module
    whose names can't be read, one stands for all. Without ``declared``, the source could not be read.
    """

    def __init__(
        self,
        declared: Iterable[DeclaredTable] | None,
        modules: Collection[str],
        models: Collection[TableKey],
        files: Collection[str] = (),
    ) -> None:
        names = {key.name for key in models}
        self.unread = declared is None
        missing = [entry for entry in declared or () if entry.module not in modules and entry.path not in files]
        self._entries = sorted(
            (
                entry
                for entry in missing
                if entry.table is not None
                and TableKey(entry.schema, entry.table) not in models
                # Where the source does not say a schema, the MetaData may.
                and not (entry.schema is None and entry.table in names)
            ),
            key=lambda entry: (entry.module, entry.line, entry.table),
        )
        nameless = [entry for entry in missing if entry.table is None]
        firsts = {
            entry.module: entry
            for entry in sorted(nameless, key=lambda entry: (entry.module, entry.line), reverse=True)
        }
        self._nameless = [firsts[module] for module in sorted(firsts)]

    def __iter__(self) -> Iterator[DeclaredTable]:
        """All of them, those without a name last."""
        yield from self._entries
        yield from self._nameless

    def of(self, key: TableKey) -> DeclaredTable | None:
        """The declaration of a table of this name, in whichever schema the source puts it."""
        return next((entry for entry in self._entries if entry.table == key.name), None)

    def maybe_of(self, key: TableKey) -> DeclaredTable | None:
        """A declaration whose name can't be read, and that may thus be the one of this table."""
        return next((entry for entry in self._nameless if entry.schema in (None, key.schema)), None)

"""A PostgreSQL server of our own, for one run."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from alembic_review.model.errors import ObservationError
from alembic_review.observe import process_tree
from alembic_review.observe.scratch import event_triggers, initdb_cache
from alembic_review.observe.scratch.base import Kept, Scratch, ScratchDatabase
from alembic_review.observe.scratch.guarded_process import Guarded
from alembic_review.observe.scratch.postgres_programs import Binaries, find_binaries
from alembic_review.observe.scratch.postgres_protocol import Connection, ServerRefusalError
from alembic_review.observe.scratch.run_folder import RunFolder
from alembic_review.observe.scratch.server_account import SERVER, Account, server_account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PORT = 5432
_DIALECT = "postgresql"
_PREFIX = "alembic_review_"
_ALONE = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
  THEN RAISE EXCEPTION 'others are connected'; END IF;
END $$
"""
_NOT_ALONE = "somebody is connected"
_ALONE_SECONDS = 1.0
# Whom clients are, also in what migrations say of an owner (OWNER TO postgres); the server's superuser is ours alone.
_USER = "postgres"
_SUPERUSER = "alembic_review"
_RIGHTS = "LOGIN CREATEDB CREATEROLE"
_OWNED_PUBLIC = 15  # since this version, the owner of a database owns its schema public
_SELF_GRANT = 16  # since this version, who creates a role has to be allowed to act as it
_STRATEGY = 15  # since this version, a database may be copied in two ways
_MAINTENANCE = "postgres"
_START_SECONDS = 60.0
_INITDB_SECONDS = 120.0
_POLL_SECONDS = 0.003
_LOG_LINES = 8
_STARTING_UP = "57P03"
_HINT = "Name a server that is allowed to create databases with --server URL if PostgreSQL can't run here."

# Nothing that is written has to survive anything: no flushing, no second copies, no background work. One transaction
# may lock thousands of tables with their indexes (locks per transaction times connections). Shared memory is kept in
# the data folder, so that removing the folder removes everything.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_locks_per_transaction": "1024",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "min_wal_size": "2MB",
    "checkpoint_timeout": "1d",
    "autovacuum": "off",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",
    "default_text_search_config": "pg_catalog.english",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_min_messages": "warning",
}


class PostgresScratch(Scratch):
    """Starts PostgreSQL from programs on this machine, with a unix socket as its only door.

    Who may come in: the socket is in a folder that only the server's account (and root) can enter, and the server asks
    the kernel which user is at the other end (``peer``) and lets in only the one who runs the tool. So there is no
    password that could leak, and other processes of a shared account such as ``nobody`` stay outside.

    The role that migrations run as owns the databases and may create others and roles, but it is not a superuser: the
    server itself then refuses files, programs and the network. With ``superuser`` it is one.
    """

    kind = "system"

    def __init__(self, *, superuser: bool = False, kept: Kept | None = None) -> None:
        super().__init__()
        self._superuser = superuser
        self._kept = kept if kept is not None and kept.kind.startswith(f"{_DIALECT} ") else None
        self._folder: RunFolder | None = None
        self._server: Guarded | None = None
        self._spare: ScratchDatabase | None = None
        self._binaries: Binaries | None = None

    def _start(self) -> None:
        account = server_account()
        self._folder = RunFolder.create(account)
        folder = self._folder.path
        binaries = find_binaries(account, folder)
        self.kind = binaries.kind
        self._binaries = binaries
        self._configure(folder, account)
        if self._restore(folder, binaries, account):
            return
        kept = self._unpack(folder / "data", binaries, account)
        if kept is None:
            self._fill(folder / "data", binaries, account)
        try:
            self._run_server(folder, binaries, account)
        except ObservationError:
            if kept is None or self._closing.is_set():
                raise
            # What was kept may be damaged in a way that no checksum shows: begin once more without it.
            kept.unlink(missing_ok=True)
            self._stop_server()
            shutil.rmtree(folder / "data")
            self._fill(folder / "data", binaries, account)
            self._run_server(folder, binaries, account)

    def _restore(self, folder: Path, binaries: Binaries, account: Account) -> bool:
        """Start with the databases of an earlier run; false where there are none, or where they are damaged."""
        if self._kept is None or self._kept.kind != self._kind_of_data:
            return False
        try:
            if initdb_cache.unpack(self._kept.data, folder / "data", account):
                self._start_server(folder, binaries, account)
                for one in self._kept.databases:
                    self._restored[one["target"]] = replace(self._renamed(one["database"]), kept=one)
                return True
        except (OSError, ObservationError):
            if self._closing.is_set():
                raise
            self._restored.clear()
            self._stop_server()
        shutil.rmtree(folder / "data", ignore_errors=True)
        return False

    def _renamed(self, database: str) -> ScratchDatabase:
        name = f"{_PREFIX}{secrets.token_hex(8)}"
        mark = secrets.token_hex(16)
        try:
            with self._connect() as connection:
                connection.execute(f"ALTER DATABASE {database} RENAME TO {name}")
                connection.execute(f"COMMENT ON DATABASE {name} IS '{mark}'")
        except ServerRefusalError as error:
            raise self._failed(f"a database could not be renamed: {error}") from error
        return self._described(name, mark)

    def _pack(self, _databases: Sequence[str], path: Path) -> str:
        """The whole data folder, with its roles, of a server that was shut down properly."""
        if self._binaries is None or self._server is None or self._superuser:
            raise OSError
        self._require_alone()
        self._server.interrupt()
        try:
            initdb_cache.pack(self._path / "data", path)
        finally:
            self._stop_server()
            self._start_server(self._path, self._binaries, server_account())
        return self._kind_of_data

    def _require_alone(self) -> None:
        """Wait for connections that are being closed. Raises ``OSError`` where one stays open."""
        limit = time.monotonic() + _ALONE_SECONDS
        with self._connect() as connection:
            while True:
                try:
                    connection.execute(_ALONE)
                except ServerRefusalError as refusal:
                    if time.monotonic() > limit:
                        raise OSError(_NOT_ALONE) from refusal
                else:
                    return
                time.sleep(_POLL_SECONDS)

    @property
    def _kind_of_data(self) -> str:
        """Which programs a data folder is for, and whose accounts its rules name."""
        return f"{_DIALECT} {self._binaries.key}" if self._binaries is not None else ""

    def _start_server(self, folder: Path, binaries: Binaries, account: Account) -> None:
        options = ["-D", str(folder / "data"), "-c", f"config_file={folder / 'postgresql.conf'}"]
        self._server = Guarded([binaries.postgres, *options], account, self._log, mark=str(folder))
        self._wait_until_ready(self._server)

    def _run_server(self, folder: Path, binaries: Binaries, account: Account) -> None:
        self._start_server(folder, binaries, account)
        self._create_role()
        # Made ahead, while the application's models are being imported: the first create() finds it waiting.
        self._spare = self._new_database()

    def _stop_server(self) -> None:
        if self._server is not None:
            self._server.stop()

    def _create(self) -> ScratchDatabase:
        database, self._spare = self._spare, None
        database = database or self._new_database()
        if self._binaries is None:
            return database
        return replace(database, version=self._binaries.number, folder=str(self._binaries.folder))

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        # Copying the files takes less time than logging every block, and includes the server's cache of the catalogues.
        return self._new_database(database.database, " STRATEGY file_copy" if self._major >= _STRATEGY else "")

    def _create_role(self) -> None:
        rights = f"{_RIGHTS} SUPERUSER" if self._superuser else _RIGHTS
        try:
            with self._connect() as connection:
                connection.execute(f"CREATE ROLE {_USER} {rights}")
        except (OSError, ServerRefusalError) as error:
            raise self._failed(f"a role could not be created: {error}") from error
        try:
            self._fill_template()
        except (OSError, ServerRefusalError) as error:
            raise self._failed(f"the template could not be prepared: {error}") from error

    def _fill_template(self) -> None:
        """What every database begins with. A superuser could write to the catalogues without any event."""
        with self._connect("template1") as connection:
            if self._major < _OWNED_PUBLIC:
                connection.execute(f"ALTER SCHEMA public OWNER TO {_USER}")
            if not self._superuser:
                connection.execute(event_triggers.INSTALL)
            connection.leave()

    @property
    def _major(self) -> int:
        number = self._binaries.number if self._binaries is not None else ""
        return int(re.match(r"\d*", number)[0] or 0)  # type: ignore[index] # it always matches

    def _close(self) -> None:
        self._stop_server()
        if self._folder is not None:
            # A program that the server started has left the server's process group.
            process_tree.end_marked(SERVER, str(self._folder.path))
            self._folder.remove()

    @property
    def _path(self) -> Path:
        if self._folder is None:
            raise ObservationError("The scratch server was not started.")
        return self._folder.path

    @property
    def _log(self) -> Path:
        return self._path / "server.log"

    def _unpack(self, data: Path, binaries: Binaries, account: Account) -> Path | None:
        """Fill ``data`` from what an earlier run kept; the file that was used, or ``None`` when there is none."""
        cache = initdb_cache.cache_folder()
        packed = initdb_cache.packed_path(cache, binaries.key) if cache is not None else None
        return packed if packed is not None and initdb_cache.unpack(packed, data, account) else None

    def _fill(self, data: Path, binaries: Binaries, account: Account) -> None:
        """Fill ``data`` with ``initdb``, and keep a copy for the next run."""
        data.mkdir(mode=0o700)
        account.own(data)
        self._initialise(data, binaries, account)
        cache = initdb_cache.cache_folder()
        if cache is not None:
            # A full or read-only cache costs half a second in the next run, no more.
            with contextlib.suppress(OSError):
                initdb_cache.pack(data, initdb_cache.packed_path(cache, binaries.key))

    def _initialise(self, data: Path, binaries: Binaries, account: Account) -> None:
        options = [
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            f"--username={_SUPERUSER}",
            "--auth=peer",
            "--wal-segsize=1",
        ]
        initdb = Guarded([binaries.initdb, "-D", data, *options], account, self._log)
        try:
            deadline = time.monotonic() + _INITDB_SECONDS
            while (status := initdb.status()) is None:
                self._give_up_when_closing()
                if time.monotonic() > deadline:
                    raise self._failed(f"initdb did not finish within {_INITDB_SECONDS:.0f} seconds")
                time.sleep(_POLL_SECONDS)
        finally:
            initdb.stop()
        if status != 0:
            raise self._failed(f"{binaries.initdb} failed with exit status {status}")

    def _configure(self, folder: Path, account: Account) -> None:
        """Write the server's files beside its data folder, where the server's account can read but not change them."""
        socket = folder / "socket"
        socket.mkdir(mode=0o700)
        account.own(socket)
        places = {
            "unix_socket_directories": str(socket),
            "hba_file": str(folder / "pg_hba.conf"),
            "ident_file": str(folder / "pg_ident.conf"),
        }
        granted = {"createrole_self_grant": "set, inherit"} if self._major >= _SELF_GRANT else {}
        settings = {**_SETTINGS, **granted, **places}
        lines = [f"{name} = {_quoted(value)}" for name, value in settings.items()]
        self._write("postgresql.conf", "\n".join(lines), account)
        # No connection to a scratch database is the superuser's.
        rules = [
            f"local {_MAINTENANCE},template1 {_SUPERUSER} peer map=run",
            f"local all {_SUPERUSER} reject",
            "local all all peer map=run",
        ]
        self._write("pg_hba.conf", "\n".join(rules), account)
        users = [f'run "{account.client}" {user}' for user in (_SUPERUSER, _USER)]
        self._write("pg_ident.conf", "\n".join(users), account)

    def _write(self, name: str, text: str, account: Account) -> None:
        path = self._path / name
        path.write_text(text + "\n", encoding="utf-8")
        account.let_read(path)

    def _wait_until_ready(self, server: Guarded) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self._give_up_when_closing()
            status = server.status()
            if status is not None:
                raise self._failed(f"the server ended with exit status {status}")
            try:
                self._connect().close()
            except (FileNotFoundError, ConnectionError):
                pass
            except ServerRefusalError as refusal:
                if refusal.code != _STARTING_UP:
                    raise self._failed(str(refusal)) from refusal
            else:
                return
            if time.monotonic() > deadline:
                raise self._failed(f"the server was not ready within {_START_SECONDS:.0f} seconds")
            time.sleep(_POLL_SECONDS)

    def _new_database(self, template: str = "template1", strategy: str = "") -> ScratchDatabase:
        name = f"{_PREFIX}{secrets.token_hex(8)}"
        mark = secrets.token_hex(16)
        try:
            with self._connect() as connection:
                connection.execute(f"CREATE DATABASE {name} OWNER {_USER} TEMPLATE {template}{strategy}")
                connection.execute(f"COMMENT ON DATABASE {name} IS '{mark}'")
        except (OSError, ServerRefusalError) as error:
            raise self._failed(f"a database could not be created: {error}") from error
        return self._described(name, mark)

    def _described(self, name: str, mark: str) -> ScratchDatabase:
        return ScratchDatabase(
            dialect=_DIALECT,
            database=name,
            host=str(self._path / "socket"),
            port=_PORT,
            user=_USER,
            mark=mark,
            superuser=self._superuser,
            allow=None if self._superuser else self._allow,
        )

    def _allow(self, superuser: bool) -> None:  # noqa: FBT001 - as ``ScratchDatabase`` has it
        """Let the role of the databases be a superuser, or not any more."""
        try:
            with self._connect() as connection:
                connection.execute(f"ALTER ROLE {_USER} {'' if superuser else 'NO'}SUPERUSER")
        except (OSError, ServerRefusalError) as error:
            message = f"The rights of the scratch server's role could not be changed: {error}"
            raise ObservationError(message) from error

    def _connect(self, database: str | None = None) -> Connection:
        path = self._path / "socket" / f".s.PGSQL.{_PORT}"
        return Connection(str(path), user=_SUPERUSER, database=database or _MAINTENANCE)

    def _give_up_when_closing(self) -> None:
        if self._closing.is_set():
            raise ObservationError("The scratch server was stopped while it was starting.")

    def _failed(self, what: str) -> ObservationError:
        message = f"The scratch server could not be started: {what}."
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            lines = []
        return ObservationError("\n".join([message, *lines]), hint=_HINT)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

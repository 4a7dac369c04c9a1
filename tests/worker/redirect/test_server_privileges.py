"""Which statements reach outside the database, and which of those that were refused need a superuser."""

from __future__ import annotations

import pytest

from alembic_review.worker.redirect.server_privileges import contact, needs_superuser, refused_contact


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("COPY t FROM PROGRAM 'x'", "COPY … PROGRAM"),
        ("copy (select 1)\nto program 'x'", "COPY … PROGRAM"),
        ("COPY t TO '/x'", "COPY with a file"),
        ("COPY t TO /* ; */ E'/x'", "COPY with a file"),
        ("SELECT pg_catalog.lo_import('/x')", "a function for files"),
        ("SELECT \"lo_import\"('/x')", "a function for files"),
        ("SELECT pg_ls_waldir()", "a function for files"),
        ("SELECT dblink_connect('x')", "dblink"),
        ("CREATE SERVER s FOREIGN DATA WRAPPER w", "a foreign server"),
        ("IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c", "a foreign server"),
        ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", "a subscription"),
        ("ALTER SYSTEM SET x = 1", "ALTER SYSTEM"),
        ("DO LANGUAGE plpython3u $$ import os $$", "code in an untrusted language"),
        ("INSERT INTO t SELECT lo_import('/x')", "a function for files"),
        ("CREATE FUNCTION f() RETURNS int AS 'a', 'b' LANGUAGE c", "a library of the server"),
        # What only looks like it.
        ("COPY t FROM STDIN WITH (DELIMITER ',')", ""),
        ("COPY t (a, b) TO STDOUT", ""),
        ("INSERT INTO t VALUES ('COPY t TO PROGRAM ''x''')", ""),
        ("COMMENT ON TABLE t IS 'see lo_import()'", ""),
        ("CREATE TABLE dblink (id int)", ""),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", ""),
        ("CREATE TABLE server (program text)", ""),
        ("SELECT 1 -- COPY t TO PROGRAM 'x'", ""),
    ],
)
def test_what_reaches_outside_the_database(statement: str, kind: str) -> None:
    assert contact(statement) == kind


@pytest.mark.parametrize(
    ("statement", "message", "repeated"),
    [
        ("CREATE EXTENSION x", 'permission denied to create extension "x"', True),
        ("SELECT f()", 'permission denied to create extension "x"', True),
        ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "must be superuser", True),
        ("ALTER TABLE t OWNER TO x", 'must be member of role "x"', True),
        ("SET session_replication_role = replica", "permission denied to set parameter", True),
        ("CREATE OR REPLACE TRUSTED LANGUAGE x HANDLER y", "must be superuser", True),
        ("ALTER ROLE x SUPERUSER", "must be superuser to alter superuser roles", False),
        ("SELECT 1 FROM pg_authid", "permission denied for table pg_authid", False),
    ],
)
def test_what_needs_a_superuser(statement: str, message: str, repeated: bool) -> None:
    assert needs_superuser(statement, message) is repeated
    assert refused_contact(statement, message) == ""


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE EXTENSION x; COPY t TO PROGRAM 'y'", "must be superuser to COPY to or from an external program"),
        ("SELECT f()", "permission denied for function pg_read_file"),
        ("SELECT f()", "permission denied for foreign-data wrapper postgres_fdw"),
        ("ALTER SYSTEM SET session_replication_role = replica", "must be superuser to execute ALTER SYSTEM command"),
        ("ALTER SYSTEM SET session_replication_role = replica", "permission denied to set parameter"),
    ],
)
def test_a_refused_contact_never_leads_to_a_superuser(statement: str, message: str) -> None:
    assert refused_contact(statement, message)

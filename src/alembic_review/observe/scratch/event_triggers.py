"""Event triggers that note which objects the statements of a session touch, for databases of a server of our own.

The notes are a parameter of the session, so nothing of them is in the database, and PostgreSQL takes back what a
rolled-back statement or savepoint added. The triggers belong to the server's superuser: the role that revisions run as
can't disable them, and ``session_replication_role`` does not hold for them either (ENABLE ALWAYS). Their function is in
``pg_catalog``, which no comparison and no ``include_schemas`` looks into.
https://www.postgresql.org/docs/current/event-triggers.html
"""

# ruff: noqa: S608 - constants put together
from __future__ import annotations

from alembic_review.model.event_log import EVERYTHING, LOG, ON_DROP, ON_END, OTHERS, TYPES

_FUNCTION = "pg_catalog.alembic_review_note"
_LONGEST = 50_000  # characters; a revision that touches thousands of tables may as well be read in full

# Commands whose events leave out some of what they do: privileges name no object, a new owner of a sequence not the
# former one, and a schema or an extension not its members.
_UNCLEAR = (
    "'GRANT', 'REVOKE', 'DROP OWNED', 'ALTER SCHEMA', 'ALTER SEQUENCE', 'DROP SEQUENCE', 'CREATE EXTENSION', "
    "'ALTER EXTENSION', 'DROP STATISTICS', 'IMPORT FOREIGN SCHEMA'"
)

# A relation by its kind; what partitioned tables, parents and composite types pass on has no event of its own.
_RELATION = f"""
  CASE WHEN c.relkind IN ('p', 'c') OR c.relhassubclass OR c.relispartition THEN '{EVERYTHING}'
  WHEN c.relkind IN ('r', 'f') THEN c.oid::text
  ELSE '{OTHERS}' END
"""

_TOUCHED = f"""
SELECT coalesce(r.word, o.word) FROM pg_event_trigger_ddl_commands() d
CROSS JOIN LATERAL (SELECT CASE d.classid
    WHEN 'pg_class'::regclass THEN coalesce((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = d.objid),
      (SELECT p.refobjid FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = d.objid
        AND p.refclassid = 'pg_class'::regclass AND p.deptype IN ('a', 'i')
        AND EXISTS (SELECT FROM pg_sequence q WHERE q.seqrelid = d.objid)), d.objid)
    WHEN 'pg_trigger'::regclass THEN (SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = d.objid)
    WHEN 'pg_policy'::regclass THEN (SELECT p.polrelid FROM pg_policy p WHERE p.oid = d.objid)
    WHEN 'pg_rewrite'::regclass THEN (SELECT w.ev_class FROM pg_rewrite w WHERE w.oid = d.objid)
    WHEN 'pg_statistic_ext'::regclass THEN (SELECT s.stxrelid FROM pg_statistic_ext s WHERE s.oid = d.objid)
    WHEN 'pg_constraint'::regclass THEN (SELECT nullif(k.conrelid, 0) FROM pg_constraint k WHERE k.oid = d.objid)
    WHEN 'pg_attrdef'::regclass THEN (SELECT f.adrelid FROM pg_attrdef f WHERE f.oid = d.objid)
  END AS relation) x
LEFT JOIN LATERAL (SELECT {_RELATION} AS word FROM pg_class c WHERE c.oid = x.relation) r ON true
CROSS JOIN LATERAL (SELECT CASE WHEN d.classid IS NULL THEN '{EVERYTHING}'
    WHEN d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = d.objid AND t.typtype = 'c')
      THEN '{EVERYTHING}'
    WHEN d.classid IN ('pg_type'::regclass, 'pg_constraint'::regclass) THEN '{TYPES}'
    ELSE '{OTHERS}' END AS word) o
WHERE d.command_tag <> 'ALTER DEFAULT PRIVILEGES'
"""

# Triggers, rules, policies, constraints and defaults go by the name of their table, which may be gone as well. The
# reader knows which table an index was on.
_DROPPED = f"""
SELECT CASE
    WHEN d.object_type = 'index' THEN 'i' || d.objid
    WHEN d.classid = 'pg_class'::regclass AND d.object_type IN ('table', 'foreign table', 'table column')
      THEN d.objid::text
    WHEN d.object_type IN ('trigger', 'rule', 'policy', 'table constraint', 'default value') THEN coalesce((
      SELECT {_RELATION} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = d.address_names[1] AND c.relname = d.address_names[2]), '')
    WHEN d.object_type IN ('type', 'domain', 'domain constraint') THEN '{TYPES}'
    WHEN d.object_type = 'statistics object' THEN '{EVERYTHING}'
    WHEN d.object_type = 'default acl' THEN ''
    ELSE '{OTHERS}' END
FROM pg_event_trigger_dropped_objects() d WHERE NOT d.is_temporary
"""

_BODY = f"""
DECLARE
  log text := coalesce(current_setting('{LOG}', true), '');
  words text[] := ARRAY[]::text[];
BEGIN
  IF log = '' OR log LIKE '% {EVERYTHING}' THEN
    RETURN;
  ELSIF TG_TAG IN ({_UNCLEAR}) OR length(log) > {_LONGEST} THEN
    words := ARRAY['{EVERYTHING}'];
  ELSIF TG_EVENT = 'sql_drop' THEN
    words := ARRAY({_DROPPED});
  ELSE
    words := ARRAY({_TOUCHED});
  END IF;
  IF '{EVERYTHING}' = ANY (words) THEN
    log := log || ' {EVERYTHING}';
  ELSE
    SELECT log || coalesce(string_agg(' ' || word, ''), '') INTO log FROM (SELECT DISTINCT unnest(words)) w (word)
      WHERE word <> '' AND position(' ' || word || ' ' IN log || ' ') = 0;
  END IF;
  PERFORM set_config('{LOG}', log, false);
END
"""

INSTALL = f"""
CREATE FUNCTION {_FUNCTION}() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path TO pg_catalog, pg_temp AS $note${_BODY}$note$;
CREATE EVENT TRIGGER {ON_END} ON ddl_command_end EXECUTE PROCEDURE {_FUNCTION}();
CREATE EVENT TRIGGER {ON_DROP} ON sql_drop EXECUTE PROCEDURE {_FUNCTION}();
ALTER EVENT TRIGGER {ON_END} ENABLE ALWAYS;
ALTER EVENT TRIGGER {ON_DROP} ENABLE ALWAYS;
"""
"""Statements for a superuser, in one database; copies of the database have the triggers, too."""

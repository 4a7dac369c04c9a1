"""PostgreSQL's extensions: what each of them brings, and which package of Debian brings it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from alembic_review.worker.hints.fault import Server

# https://www.postgresql.org/docs/current/contrib.html: part of PostgreSQL itself, so of its package for a system.
_CONTRIB = frozenset(
    {
        *("adminpack", "amcheck", "autoinc", "bloom", "btree_gin", "btree_gist", "citext", "cube", "dblink"),
        *("dict_int", "dict_xsyn", "earthdistance", "file_fdw", "fuzzystrmatch", "hstore", "insert_username"),
        *("intagg", "intarray", "isn", "lo", "ltree", "moddatetime", "pageinspect", "pg_buffercache"),
        *("pg_freespacemap", "pg_prewarm", "pg_stat_statements", "pg_surgery", "pg_trgm", "pg_visibility"),
        *("pg_walinspect", "pgcrypto", "pgrowlocks", "pgstattuple", "postgres_fdw", "refint", "seg", "sslinfo"),
        *("tablefunc", "tcn", "tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "xml2"),
    }
)

# Packages of Debian, Ubuntu and apt.postgresql.org; {} is the server's major version.
_DEBIAN = {
    "hll": "postgresql-{}-hll",
    "hypopg": "postgresql-{}-hypopg",
    "ip4r": "postgresql-{}-ip4r",
    "mysql_fdw": "postgresql-{}-mysql-fdw",
    "orafce": "postgresql-{}-orafce",
    "pg_cron": "postgresql-{}-cron",
    "pg_partman": "postgresql-{}-partman",
    "pg_repack": "postgresql-{}-repack",
    "pgaudit": "postgresql-{}-pgaudit",
    "pgrouting": "postgresql-{}-pgrouting",
    "pgtap": "postgresql-{}-pgtap",
    "plperl": "postgresql-plperl-{}",
    "plperlu": "postgresql-plperl-{}",
    "plpython3u": "postgresql-plpython3-{}",
    "pltcl": "postgresql-pltcl-{}",
    "pltclu": "postgresql-pltcl-{}",
    "rum": "postgresql-{}-rum",
    "tds_fdw": "postgresql-{}-tds-fdw",
    "vector": "postgresql-{}-pgvector",
    **dict.fromkeys(
        (
            *("address_standardizer", "postgis", "postgis_raster", "postgis_sfcgal"),
            *("postgis_tiger_geocoder", "postgis_topology"),
        ),
        "postgresql-{}-postgis-3",
    ),
}

_TYPES = {
    "citext": "citext",
    "cube": "cube",
    "earth": "earthdistance",
    **dict.fromkeys(("geography", "geometry", "box2d", "box3d"), "postgis"),
    "raster": "postgis_raster",
    "topogeometry": "postgis_topology",
    "hstore": "hstore",
    **dict.fromkeys(("ean13", "isbn", "isbn13", "ismn", "ismn13", "issn", "issn13", "upc"), "isn"),
    "lo": "lo",
    **dict.fromkeys(("lquery", "ltree", "ltxtquery"), "ltree"),
    "query_int": "intarray",
    "seg": "seg",
    **dict.fromkeys(("halfvec", "sparsevec", "vector"), "vector"),
}

_FUNCTIONS = (
    (r"uuid_generate_v(1|1mc|3|4|5)|uuid_nil|uuid_ns_(dns|url|oid|x500)", "uuid-ossp"),
    (r"gen_random_uuid|gen_random_bytes|gen_salt|crypt|digest|hmac|pgp_\w+|armor|dearmor", "pgcrypto"),
    (r"(strict_)?word_similarity|similarity|show_trgm|set_limit|show_limit", "pg_trgm"),
    (r"unaccent", "unaccent"),
    (r"levenshtein(_less_equal)?|soundex|difference|d?metaphone(_alt)?|daitch_mokotoff", "fuzzystrmatch"),
    (r"crosstab\w*|connectby|normal_rand", "tablefunc"),
    (r"earth_(distance|box)|ll_to_earth|latitude|longitude", "earthdistance"),
    (r"dblink(_\w+)?", "dblink"),
    (r"st_\w+|addgeometrycolumn|dropgeometrycolumn|postgis_\w*version", "postgis"),
    (r"text2ltree|ltree2text|subltree|subpath|nlevel", "ltree"),
    (r"hstore(_to_\w+)?|akeys|avals|skeys|svals", "hstore"),
    (r"cosine_distance|l2_distance|vector_dims|vector_norm|inner_product", "vector"),
    (r"create_hypertable|add_(retention|compression|continuous_aggregate)_policy|time_bucket", "timescaledb"),
    (r"create_distributed_table|create_reference_table", "citus"),
    (r"moddatetime", "moddatetime"),
)

_OPERATOR_CLASSES = (
    (r"gi(n|st)_trgm_ops", "pg_trgm"),
    (r"gi(n|st)_hstore_ops|hash_hstore_ops|btree_hstore_ops", "hstore"),
    (r"(gist_|hash_)?ltree_ops|gist__ltree_ops", "ltree"),
    (r"gin__int_ops|gist__int(big)?_ops", "intarray"),
    (r"citext(_pattern)?_ops", "citext"),
    (r"(vector|halfvec|sparsevec|bit)_(l1|l2|ip|cosine|hamming|jaccard)_ops", "vector"),
    (r"gist_geometry_ops\w*|gist_geography_ops|spgist_geometry_ops\w*|brin_geometry_inclusion_ops\w*", "postgis"),
)

_ACCESS_METHODS = {"bloom": "bloom", "hnsw": "vector", "ivfflat": "vector", "rum": "rum"}
_LANGUAGES = frozenset({"plperl", "plperlu", "plpython3u", "pltcl", "pltclu", "plv8", "plr", "pllua"})
_WRAPPERS = frozenset({"file_fdw", "mysql_fdw", "ogr_fdw", "oracle_fdw", "postgres_fdw", "tds_fdw"})
_SCHEMAS = {"cron": "pg_cron", "topology": "postgis_topology", "tiger": "postgis_tiger_geocoder"}
_DEBIAN_FOLDER = "/usr/lib/postgresql/"
_DEBIAN_FILE = "/etc/debian_version"


def bringing(kind: str, name: str) -> str:
    """The extension that brings the object of this kind and name; empty when none is known to."""
    find = _BY_KIND.get(kind)
    return find(name.rpartition(".")[2].strip('"').lower()) if find is not None else ""


def statement(extension: str) -> str:
    """The SQL that creates an extension."""
    quoted = extension if re.fullmatch(r"[a-z_][a-z0-9_]*", extension) else f'"{extension}"'
    return f"CREATE EXTENSION IF NOT EXISTS {quoted}"


def how_to_install(extension: str, server: Server) -> str:
    """What makes the extension available to the scratch server, as the beginning of a sentence."""
    if server.kind == "given":
        return "Install the extension on that server"
    package = _DEBIAN.get(extension, "")
    if server.kind == "embedded":
        # A system's PostgreSQL is preferred to the embedded one as soon as there is one.
        command = "apt-get install postgresql" if os.path.exists(_DEBIAN_FILE) else ""
        if extension in _CONTRIB:
            return f"Install PostgreSQL with its additional modules (contrib) on this machine{_in_brackets(command)}"
        also = f", then {package.format('NN')} of the same major version NN" if package and command else ""
        return f"Install PostgreSQL and the extension on this machine{_in_brackets(command + also)}"
    if server.folder.startswith(_DEBIAN_FOLDER) and server.major and package:
        return f"Install it there (apt-get install {package.format(server.major)})"
    if extension in _CONTRIB:
        return "Install the additional modules (contrib) of that PostgreSQL"
    return "Install the extension there"


def _in_brackets(command: str) -> str:
    return f" ({command})" if command else ""


def _first(rows: tuple[tuple[str, str], ...], name: str) -> str:
    return next((extension for pattern, extension in rows if re.fullmatch(pattern, name)), "")


def _named_so(names: frozenset[str]) -> Callable[[str], str]:
    """For extensions that are called like the object that they bring."""
    return lambda name: name if name in names else ""


_BY_KIND: dict[str, Callable[[str], str]] = {
    "access method": lambda name: _ACCESS_METHODS.get(name, ""),
    "default operator class": lambda name: f"btree_{name}",
    "extension": lambda name: name,
    "foreign-data wrapper": _named_so(_WRAPPERS),
    "function": lambda name: _first(_FUNCTIONS, name),
    "language": _named_so(_LANGUAGES),
    "operator class": lambda name: _first(_OPERATOR_CLASSES, name),
    "schema": lambda name: _SCHEMAS.get(name, ""),
    "text search dictionary": _named_so(frozenset({"unaccent"})),
    "type": lambda name: _TYPES.get(name.removesuffix("[]"), ""),
}

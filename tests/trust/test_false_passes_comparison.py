"""A comparison that inspected nothing, or too little, does not pass without a word."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from tests.apps.environments import make_environment, stack
from tests.apps.harness import Application

from . import here

PYPROJECT = '[project]\nname = "plain"\nversion = "1"\n'
INI = "[alembic]\nscript_location = migrations\nsqlalchemy.url = {url}\nprepend_sys_path = .\n"
SQLITE = "sqlite:///never.db"
POSTGRESQL = "postgresql+psycopg2://nobody:none@db.invalid/never"
VERSIONS = "migrations/versions"


def env(options: str = "", *, target: str = "models.Base.metadata", before: str = "", configure: str = "") -> str:
    """An env.py with these options of ``context.configure()``, with code before it, or with another call of it."""
    call = configure or f"context.configure(connection=connection, target_metadata={target}, {options})"
    return f"""\
import sqlalchemy as sa
from alembic import context
from sqlalchemy import engine_from_config, pool
import models

section = context.config.get_section(context.config.config_ini_section, {{}})
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
{dedent(before)}
with engine.connect() as connection:
{indent(dedent(call), "    ")}
    with context.begin_transaction():
        context.run_migrations()
"""


def models(*, book: str = "", after: str = "") -> str:
    """Two models that revision a1 creates; ``book`` is more of one, ``after`` follows both."""
    return f"""\
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Book(Base):
    __tablename__ = "book"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.String(50))
    state = sa.Column(sa.String(9), server_default="new")
{indent(dedent(book), "    ")}


class Author(Base):
    __tablename__ = "author"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(50))

{dedent(after)}
"""


def revision(name: str, parent: str | None, upgrade: str, downgrade: str = "pass") -> str:
    return f"""\
import sqlalchemy as sa
from alembic import op
revision = {name!r}
down_revision = {parent!r}


def upgrade():
{indent(dedent(upgrade), "    ")}


def downgrade():
{indent(dedent(downgrade), "    ")}
"""


BOOK = """\
op.create_table(
    "book",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("title", sa.String(50)),
    sa.Column("state", sa.String(9), server_default="new"),
)
"""
AUTHOR = 'op.create_table("author", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))\n'
FIRST = revision("a1", None, BOOK + AUTHOR, 'op.drop_table("author")\nop.drop_table("book")')


def more(name: str, parent: str | None = "a1", table: str | None = None) -> str:
    """A further revision, which creates a table."""
    table = table or name
    create = f'op.create_table("{table}", sa.Column("id", sa.Integer, primary_key=True))'
    return revision(name, parent, create, f'op.drop_table("{table}")')


Files = Mapping[str, str | bytes | None]
PROJECT: Files = {
    "pyproject.toml": PYPROJECT,
    "alembic.ini": INI.format(url=SQLITE),
    "models.py": models(),
    "migrations/env.py": env(),
    "migrations/script.py.mako": "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n",
    f"{VERSIONS}/a1_first.py": FIRST,
}


@dataclass(frozen=True)
class Way:
    """Files that differ from those of the project, and what the run has to show for it.

    ``failed`` is a pattern of the failure that ends the run with exit status 3. Else ``code`` is the finding, whose
    message matches ``said``; without a code, ``said`` is a pattern of the changes, as ``kind table.name``, or of what
    was not checked. A ``legit`` way only looks like one that inspects too little: it has no such finding.
    """

    name: str
    files: Files = field(default_factory=dict)
    failed: str = ""
    code: str = ""
    said: str = ""
    url: str = SQLITE
    prepare: Callable[[Path], None] | None = None
    legit: bool = False
    modern: bool = False
    status: int = 0


PENDING = models(book="isbn = sa.Column(sa.String(13))")
LONGER = models().replace("title = sa.Column(sa.String(50))", "title = sa.Column(sa.String(80))")
OTHER_DEFAULT = models().replace('server_default="new"', 'server_default="old"')
ALWAYS_EQUAL = "compare_type=lambda *_: False"


def hides(name: str, options: str, said: str, *, text: str = PENDING, before: str = "", **more: Any) -> Way:
    """A filter that hides a change to the table ``book``."""
    files = {"models.py": text, "migrations/env.py": env(options, before=before), **more.pop("files", {})}
    return Way(name, files, code="AR604", said=said, **more)


def outside(name: str, after: str, said: str, **more: Any) -> Way:
    """Models in a MetaData that env.py forgets."""
    return Way(name, {"models.py": models(after=after), **more.pop("files", {})}, code="AR603", said=said, **more)


def legit(name: str, files: Files, code: str, **more: Any) -> Way:
    return Way(name, files, code=code, legit=True, **more)


PLUGINS = [
    Way(name, {"migrations/env.py": env(f"autogenerate_plugins={text}")}, failed="Nothing was compared", modern=True)
    for name, text in {
        "plugins_none": "[]",
        "plugins_empty_tuple": "()",
        "plugins_without_tables": '["alembic.autogenerate.*", "~alembic.autogenerate.tables"]',
        "plugins_without_schemas": '["alembic.autogenerate.*", "~alembic.autogenerate.schemas"]',
        "plugins_comments_only": '["alembic.autogenerate.comments"]',
        "plugins_types_only": '["alembic.autogenerate.types", "alembic.autogenerate.constraints"]',
    }.items()
] + [
    hides(
        "plugins_without_types",
        'autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.types"]',
        r"autogenerate_plugins of env.py hides a change to book .*modify_type title",
        text=LONGER,
        modern=True,
    ),
    hides(
        "plugins_without_constraints",
        'autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.constraints"]',
        r"autogenerate_plugins of env.py hides a change to book .*add_index ix_book_title",
        text=models(book='__table_args__ = (sa.Index("ix_book_title", "title"),)'),
        modern=True,
    ),
    Way(
        "plugins_all_excluded",
        {"migrations/env.py": env('autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.*"]')},
        failed="Did not locate plugins",
        modern=True,
    ),
]

REFLECT = "with engine.connect() as reading:\n    {}\n"


def reflected(name: str, action: str, where: str, **more: Any) -> Way:
    """An env.py that reads tables from the database."""
    before = REFLECT.format(action)
    files = {"migrations/env.py": env(target=where, before=more.pop("first", "") + before), **more.pop("files", {})}
    return Way(name, files, **more)


NOTHING = "Nothing was compared: .* read from the database itself"
REFLECTED = [
    reflected("reflected_metadata", "md.reflect(reading)", "md", first="md = sa.MetaData()\n", failed=NOTHING),
    reflected(
        "reflected_some_tables",
        'md.reflect(reading, only=lambda name, _: name == "book")',
        "md",
        first="md = sa.MetaData()\n",
        failed=NOTHING,
    ),
    reflected(
        "reflected_table",
        'if sa.inspect(reading).has_table("book"):\n        sa.Table("book", md, autoload_with=reading)',
        "md",
        first="md = sa.MetaData()\n",
        failed=NOTHING,
    ),
    reflected(
        "reflected_automap",
        "Auto.prepare(autoload_with=reading)",
        "Auto.metadata",
        first="from sqlalchemy.ext.automap import automap_base\nAuto = automap_base()\n",
        failed=NOTHING,
    ),
    reflected(
        "reflected_copies",
        "md.reflect(reading)\n    for table in md.sorted_tables:\n        table.to_metadata(copied)",
        "copied",
        first="md, copied = sa.MetaData(), sa.MetaData()\n",
        failed=NOTHING,
    ),
    reflected(
        "reflected_pickled",
        "md.reflect(reading)\n    md = pickle.loads(pickle.dumps(md))",
        "md",
        first="import pickle\nmd = sa.MetaData()\n",
        failed=NOTHING,
    ),
    reflected(
        "reflected_list",
        "md.reflect(reading)",
        "[md]",
        first="md = sa.MetaData()\n",
        failed=NOTHING,
    ),
    reflected(
        "reflected_deferred",
        'if sa.inspect(reading).has_table("book"):\n        Deferred.prepare(reading)',
        "Reading.metadata",
        first=(
            "from sqlalchemy.ext.declarative import DeferredReflection\nfrom sqlalchemy.orm import declarative_base\n"
            "Reading = declarative_base()\nclass Deferred(DeferredReflection):\n    __abstract__ = True\n"
            'class Book(Deferred, Reading):\n    __tablename__ = "book"\n'
        ),
        failed=NOTHING,
    ),
    reflected(
        "reflected_beside_models",
        "models.Base.metadata.reflect(reading)",
        "models.Base.metadata",
        files={f"{VERSIONS}/a2_log.py": more("a2", table="log")},
        code="AR605",
        said="The table log in target_metadata was read from the database",
    ),
    reflected(
        "reflected_over_a_model",
        'if sa.inspect(reading).has_table("book"):\n'
        '        sa.Table("book", models.Base.metadata, autoload_with=reading, extend_existing=True)',
        "models.Base.metadata",
        code="AR605",
        said="The table book in target_metadata was read from the database",
    ),
    reflected(
        "reflected_all_models_over",
        "models.Base.metadata.reflect(reading, extend_existing=True)",
        "models.Base.metadata",
        failed=NOTHING,
    ),
    reflected(
        "reflected_rest_of_a_table",
        'if sa.inspect(reading).has_table("log"):\n'
        '        sa.Table("log", models.Base.metadata, sa.Column("id", sa.Integer, primary_key=True), '
        "autoload_with=reading, extend_existing=True)",
        "models.Base.metadata",
        files={
            f"{VERSIONS}/a2_log.py": revision(
                "a2",
                "a1",
                'op.create_table("log", sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", sa.Integer))',
                'op.drop_table("log")',
            )
        },
        code="AR605",
        said=r"A column of log in target_metadata was read from the database \(at\)",
    ),
    reflected(
        "reflected_second_metadata",
        "md.reflect(reading, only=[name for name in sa.inspect(reading).get_table_names() if name == 'log'])",
        "[models.Base.metadata, md]",
        first="md = sa.MetaData()\n",
        files={f"{VERSIONS}/a2_log.py": more("a2", table="log")},
        code="AR605",
        said="The table log in target_metadata",
    ),
    Way(
        "reflected_at_import",
        {
            "models.py": "import sqlalchemy as sa\nengine = sa.create_engine('sqlite:///never.db')\n"
            "class Base:\n    metadata = sa.MetaData()\nBase.metadata.reflect(engine)\n"
        },
        failed="No model was loaded",
    ),
]
REFLECTED_LEGIT = [
    legit("models_change_the_folder", {"models.py": "import os\n\nos.chdir(os.sep)\n" + models()}, "AR605"),
    reflected(
        "reflected_elsewhere",
        "md.reflect(reading)",
        "models.Base.metadata",
        first="md = sa.MetaData()\n",
        code="AR605",
        legit=True,
    ),
    legit(
        "models_copied",
        {
            "migrations/env.py": env(
                target="md",
                before="md = sa.MetaData()\nfor t in models.Base.metadata.sorted_tables:\n    t.to_metadata(md)",
            )
        },
        "AR605",
    ),
    legit(
        "models_merged",
        {"migrations/env.py": env(target="[models.Base.metadata, md]", before="md = sa.MetaData()\n")},
        "AR605",
    ),
    reflected(
        "reflected_and_filtered",
        "models.Base.metadata.reflect(reading)",
        'models.Base.metadata, include_object=lambda o, n, k, *_: not (k == "table" and n == "log")',
        files={f"{VERSIONS}/a2_log.py": more("a2", table="log")},
        code="AR605",
        legit=True,
    ),
]

LOG = """
class LogBase(declarative_base()):
    __abstract__ = True


class Log(LogBase):
    __tablename__ = "log"
    id = sa.Column(sa.Integer, primary_key=True)
"""
IN_NONE = "in no target_metadata of env.py"
OUTSIDE = [
    outside("second_base", LOG, f"The table log of models is {IN_NONE}"),
    outside(
        "second_base_of_two_tables",
        LOG
        + '\nclass Event(LogBase):\n    __tablename__ = "event"\n    id = sa.Column(sa.Integer, primary_key=True)\n',
        rf"2 tables \(event, log\) of models are {IN_NONE}",
    ),
    outside(
        "second_base_migrated",
        LOG,
        f"The table log of models is {IN_NONE}",
        files={f"{VERSIONS}/a2_log.py": more("a2", table="log")},
        status=1,
    ),
    outside(
        "second_base_in_another_module",
        "import logs\n",
        f"The table log of logs is {IN_NONE}",
        files={"logs.py": f"import sqlalchemy as sa\nfrom sqlalchemy.orm import declarative_base\n{LOG}"},
        status=0,
    ),
    outside(
        "list_without_one",
        LOG.replace("log", "one") + LOG.replace("Log", "Two").replace("log", "two"),
        f"The table two of models is {IN_NONE}",
        files={"migrations/env.py": env(target="[models.Base.metadata, models.LogBase.metadata]")},
    ),
    outside(
        "classical_mapping",
        """
        from sqlalchemy.orm import registry
        mappings = registry()
        table = sa.Table("log", mappings.metadata, sa.Column("id", sa.Integer, primary_key=True))
        class Log: pass
        mappings.map_imperatively(Log, table)
        """,
        f"The table log of models is {IN_NONE}",
    ),
    outside(
        "own_metadata_of_a_class",
        'class Log(Base):\n    metadata = sa.MetaData()\n    __tablename__ = "log"\n'
        "    id = sa.Column(sa.Integer, primary_key=True)\n",
        f"The table log of models is {IN_NONE}",
    ),
    outside(
        "own_table_of_a_class",
        'class Log(Base):\n    __table__ = sa.Table("log", sa.MetaData(), '
        'sa.Column("id", sa.Integer, primary_key=True))\n',
        f"The table log of models is {IN_NONE}",
    ),
    outside(
        "joined_subclass_elsewhere",
        'class Novel(Book):\n    metadata = sa.MetaData()\n    __tablename__ = "novel"\n'
        "    id = sa.Column(sa.ForeignKey(Book.id), primary_key=True)\n",
        f"The table novel of models is {IN_NONE}",
    ),
    outside(
        "association_table_elsewhere",
        LOG + '\nlinks = sa.Table("links", LogBase.metadata, sa.Column("log", sa.ForeignKey("log.id")))\n',
        rf"2 tables \(links, log\) of models are {IN_NONE}",
    ),
    outside(
        "same_name_in_another_schema",
        LOG.replace('"log"\n', '"book"\n    __table_args__ = {"schema": "audit"}\n'),
        f"The table audit.book of models is {IN_NONE}",
    ),
    Way(
        "removed_in_env",
        {
            "migrations/env.py": env(before="models.Base.metadata.remove(models.Author.__table__)"),
            f"{VERSIONS}/a1_first.py": revision("a1", None, BOOK, 'op.drop_table("book")'),
        },
        code="AR603",
        said="The table author of models is removed from target_metadata",
    ),
    Way(
        "removed_by_info",
        {
            "models.py": models().replace(
                '"author"\n', '"author"\n    __table_args__ = {"info": {"skip_autogenerate": True}}\n'
            ),
            "migrations/env.py": env(
                before="for t in list(models.Base.metadata.tables.values()):\n"
                "    if t.info.get('skip_autogenerate'):\n        models.Base.metadata.remove(t)\n"
            ),
            f"{VERSIONS}/a1_first.py": revision("a1", None, BOOK, 'op.drop_table("book")'),
        },
        code="AR603",
        said="The table author of models is removed from target_metadata",
    ),
    Way(
        "copied_without_one",
        {
            "migrations/env.py": env(target="md", before="md = sa.MetaData()\nmodels.Book.__table__.to_metadata(md)\n"),
            f"{VERSIONS}/a1_first.py": revision("a1", None, BOOK, 'op.drop_table("book")'),
        },
        code="AR603",
        said=f"The table author of models is {IN_NONE}",
    ),
    Way(
        "core_second_metadata",
        {
            "models.py": "import sqlalchemy as sa\nclass Base:\n    metadata = sa.MetaData()\n"
            'sa.Table("book", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))\n'
            'second = sa.MetaData()\nsa.Table("log", second, sa.Column("id", sa.Integer, primary_key=True))\n',
            f"{VERSIONS}/a1_first.py": more("a1", None, "book"),
        },
        code="AR603",
        said=f"The table log of models is {IN_NONE}",
    ),
    Way(
        "models_loaded_twice",
        {
            "models.py": None,
            "app/__init__.py": "",
            "app/models.py": models(),
            "app/more.py": "import sqlalchemy as sa\nfrom models import Base\nclass Log(Base):\n"
            '    __tablename__ = "log"\n    id = sa.Column(sa.Integer, primary_key=True)\n',
            "migrations/env.py": env(before="import app.more, app.models", target="app.models.Base.metadata"),
            "alembic.ini": INI.format(url=SQLITE).replace("prepend_sys_path = .", "prepend_sys_path = .:app"),
            "pyproject.toml": f'{PYPROJECT}[tool.alembic-review]\ncustom = ["app", "models"]\n',
        },
        code="AR603",
        said=f"The table log .* is {IN_NONE}",
    ),
]
VIEW = """
class Shelf(declarative_base()):
    __tablename__ = "shelf"
    id = sa.Column(sa.Integer, primary_key=True)
"""
OUTSIDE_LEGIT = [
    legit(
        "abstract_class",
        {
            "models.py": models(
                after="class Common(declarative_base()):\n    __abstract__ = True\n"
                "    id = sa.Column(sa.Integer, primary_key=True)\n"
            )
        },
        "AR603",
    ),
    legit(
        "mapped_view",
        {
            "models.py": models(after=VIEW),
            f"{VERSIONS}/a2_view.py": revision(
                "a2", "a1", 'op.execute("CREATE VIEW shelf AS SELECT id FROM book")', 'op.execute("DROP VIEW shelf")'
            ),
        },
        "AR603",
    ),
    legit(
        "mapped_materialized_view",
        {
            "models.py": models(after=VIEW),
            f"{VERSIONS}/a2_view.py": revision(
                "a2",
                "a1",
                'op.execute("CREATE MATERIALIZED VIEW shelf AS SELECT id FROM book")',
                'op.execute("DROP MATERIALIZED VIEW shelf")',
            ),
        },
        "AR603",
        url=POSTGRESQL,
    ),
    legit(
        "test_module",
        {
            "models.py": models(after="import tests.test_models\n"),
            "tests/__init__.py": "",
            "tests/test_models.py": f"import sqlalchemy as sa\nfrom sqlalchemy.orm import declarative_base\n{LOG}",
        },
        "AR603",
    ),
    legit(
        "model_of_a_revision",
        {
            f"{VERSIONS}/a2_data.py": "from sqlalchemy.orm import declarative_base\nLocal = declarative_base()\n"
            + revision("a2", "a1", "Log.__table__.select()").replace(
                "\n\ndef upgrade",
                '\nclass Log(Local):\n    __tablename__ = "log"\n'
                "    id = sa.Column(sa.Integer, primary_key=True)\n\n\ndef upgrade",
                1,
            ),
        },
        "AR603",
    ),
    legit(
        "bind_key_of_a_metadata",
        {
            "models.py": models(
                after=LOG.replace("class Log(", 'LogBase.metadata.info["bind_key"] = "logs"\n\nclass Log(')
            ),
        },
        "AR603",
    ),
    legit(
        "bind_key_of_a_table",
        {
            "models.py": models(
                after=LOG.replace('"log"\n', '"log"\n    __table_args__ = {"info": {"bind_key": "logs"}}\n')
            ),
        },
        "AR603",
    ),
    legit(
        "created_in_another_database",
        {
            "models.py": models(after=LOG + 'LogBase.metadata.create_all(sa.create_engine("sqlite:///logs.db"))\n'),
        },
        "AR603",
    ),
    legit(
        "query_table_in_core",
        {
            "models.py": models(after='legacy = sa.Table("legacy", sa.MetaData(), sa.Column("id", sa.Integer))\n'),
        },
        "AR603",
    ),
    legit(
        "all_in_a_list",
        {
            "models.py": models(after=LOG),
            "migrations/env.py": env(target="[models.Base.metadata, models.LogBase.metadata]"),
            f"{VERSIONS}/a2_log.py": more("a2", table="log"),
        },
        "AR603",
    ),
    legit(
        "copied_to_another_schema",
        {
            "migrations/env.py": env(
                target="md",
                before="md = sa.MetaData()\nfor t in models.Base.metadata.sorted_tables:\n"
                "    t.to_metadata(md, schema=None)\n",
            ),
        },
        "AR603",
    ),
    legit(
        "mapped_to_a_query",
        {
            "models.py": models(
                after="class Title(Base):\n    __table__ = sa.select(Book.__table__.c.id).subquery()\n"
                "    __mapper_args__ = {'primary_key': [__table__.c.id]}\n"
            ),
        },
        "AR603",
    ),
    legit(
        "automap_of_another_database",
        {
            "models.py": models(
                after="from sqlalchemy.ext.automap import automap_base\nLegacy = automap_base()\n"
                'Legacy.prepare(autoload_with=sa.create_engine("sqlite:///legacy.db"))\n'
            ),
        },
        "AR603",
    ),
]

FILTERS = [
    hides(
        "compare_type_false",
        "compare_type=False",
        r"compare_type of env.py hides a change to book .*modify_type title",
        text=LONGER,
    ),
    hides("compare_type_always_equal", ALWAYS_EQUAL, r"from VARCHAR\(50\) to VARCHAR\(80\)", text=LONGER),
    hides(
        "compare_type_for_strings",
        "compare_type=same",
        "modify_type title",
        text=LONGER,
        before="def same(c, i, m, it, mt):\n    return False if isinstance(mt, sa.String) else None\n",
    ),
    hides("compare_type_zero", "compare_type=lambda *_: False or False", "modify_type title", text=LONGER),
    hides("compare_type_postgresql", ALWAYS_EQUAL, "modify_type title", text=LONGER, url=POSTGRESQL),
    hides(
        "compare_type_of_a_class",
        "compare_type=Types()",
        "modify_type title",
        text=LONGER,
        before="class Types:\n    def __call__(self, *_):\n        return False\n",
    ),
    hides(
        "compare_default_always_equal",
        "compare_server_default=lambda *_: False",
        "modify_default state",
        text=OTHER_DEFAULT,
    ),
    hides(
        "compare_default_postgresql",
        "compare_server_default=lambda *_: False",
        "modify_default state",
        text=OTHER_DEFAULT,
        url=POSTGRESQL,
    ),
    hides(
        "compare_default_some",
        "compare_server_default=same",
        "modify_default state",
        text=OTHER_DEFAULT,
        before="def same(c, i, m, one, other, text):\n    return False if 'old' in (text or '') else None\n",
    ),
    hides(
        "compare_default_added",
        "compare_server_default=lambda *_: False",
        "modify_default title",
        text=models().replace("sa.String(50))\n    state", 'sa.String(50), server_default="x")\n    state'),
    ),
    hides("object_table", 'include_object=lambda o, n, k, *_: not (k == "table" and n == "book")', "add_column isbn"),
    hides("object_column", 'include_object=lambda o, n, k, *_: k != "column"', "add_column isbn"),
    hides("object_one_column", 'include_object=lambda o, n, k, *_: n != "isbn"', "add_column isbn"),
    hides(
        "object_index",
        'include_object=lambda o, n, k, *_: k != "index"',
        "add_index ix_book_title",
        text=models(book='__table_args__ = (sa.Index("ix_book_title", "title"),)'),
    ),
    hides(
        "object_unique",
        'include_object=lambda o, n, k, *_: k != "unique_constraint"',
        "add_constraint uq_title",
        text=models(book='__table_args__ = (sa.UniqueConstraint("title", name="uq_title"),)'),
    ),
    hides(
        "object_foreign_key",
        'include_object=lambda o, n, k, *_: k != "foreign_key_constraint"',
        "add_fk fk_author",
        text=models(book='author = sa.Column(sa.Integer, sa.ForeignKey("author.id", name="fk_author"))'),
    ),
    hides(
        "object_not_reflected",
        "include_object=lambda o, n, k, reflected, other: reflected or other is not None",
        "add_column isbn",
    ),
    hides(
        "object_removed_column",
        "include_object=lambda o, n, k, reflected, other: not reflected or other is not None",
        "remove_column state",
        text=models().replace('    state = sa.Column(sa.String(9), server_default="new")\n', ""),
    ),
    hides(
        "object_info_of_a_table",
        "include_object=skip",
        "add_column isbn",
        text=PENDING.replace('"book"\n', '"book"\n    __table_args__ = {"info": {"skip_autogenerate": True}}\n'),
        before="def skip(o, *_):\n    return not o.info.get('skip_autogenerate', False)\n",
    ),
    hides(
        "object_info_of_a_column",
        "include_object=skip",
        "add_column isbn",
        text=models(book='isbn = sa.Column(sa.String(13), info={"skip_autogenerate": True})'),
        before="def skip(o, n, k, *_):\n    return k != 'column' or not o.info.get('skip_autogenerate', False)\n",
    ),
    hides(
        "object_excluded_in_ini",
        "include_object=skip",
        "add_column isbn",
        before="names = context.config.get_section('alembic:exclude', {}).get('tables', '').split(',')\n"
        "def skip(o, n, k, *_):\n    return not (k == 'table' and n in names)\n",
        files={"alembic.ini": INI.format(url=SQLITE) + "\n[alembic:exclude]\ntables = book,spatial_ref_sys\n"},
    ),
    hides(
        "object_new_table",
        'include_object=lambda o, n, k, *_: n != "log"',
        "add_table",
        text=models(
            after='class Log(Base):\n    __tablename__ = "log"\n    id = sa.Column(sa.Integer, primary_key=True)\n'
        ),
    ),
    hides("object_prefix", 'include_object=lambda o, n, k, *_: k != "table" or n.startswith("a")', "add_column isbn"),
    hides(
        "object_and_types",
        f'include_object=lambda o, n, k, *_: n != "book", {ALWAYS_EQUAL}',
        "modify_type title",
        text=LONGER,
    ),
    hides(
        "object_nullable",
        'include_object=lambda o, n, k, *_: n != "title"',
        "modify_nullable title",
        text=models().replace("sa.String(50))\n    state", "sa.String(50), nullable=False)\n    state"),
    ),
    hides(
        "name_table_and_object",
        'include_name=lambda n, k, p: n != "book", include_object=lambda o, n, k, *_: n != "book"',
        "add_column isbn",
    ),
    hides(
        "name_column_and_object",
        'include_name=lambda n, k, p: n != "state", include_object=lambda o, n, k, *_: n != "state"',
        "modify_type state",
        text=models().replace("sa.String(9)", "sa.String(19)"),
    ),
    hides(
        "name_column_removed",
        'include_name=lambda n, k, p: k != "column" or n != "state"',
        "remove_column state",
        text=models().replace('    state = sa.Column(sa.String(9), server_default="new")\n', ""),
    ),
    hides(
        "implementation_of_types",
        "",
        "modify_type title",
        text=LONGER,
        before="from alembic.ddl.sqlite import SQLiteImpl\nclass Own(SQLiteImpl):\n    __dialect__ = 'sqlite'\n"
        "    def compare_type(self, *_):\n        return False\n",
    ),
    hides(
        "implementation_patched",
        "",
        "modify_type title",
        text=LONGER,
        before="from alembic.ddl.impl import DefaultImpl\nDefaultImpl.compare_type = lambda self, *_: False\n",
    ),
    hides(
        "object_filters_patched",
        "",
        "run_object_filters of env.py hides .*add_column isbn",
        before="from alembic.autogenerate.api import AutogenContext\n"
        "AutogenContext.run_object_filters = lambda self, o, n, kind, *_: kind != 'column'\n",
    ),
    hides(
        "function_of_the_comparison_patched",
        "",
        "_compare_columns of env.py hides .*add_column isbn",
        before="import contextlib\nfrom alembic.autogenerate.compare import tables\n"
        "tables._compare_columns = lambda *_: contextlib.nullcontext()\n",
        modern=True,
    ),
    hides(
        "comparator_of_tables",
        "",
        "add_column isbn",
        before="from alembic.autogenerate import comparators\n"
        "from alembic.util import PriorityDispatchResult, DispatchPriority\n"
        "@comparators.dispatch_for('schema', subgroup='tables', priority=DispatchPriority.FIRST)\n"
        "def stop(*_):\n    return PriorityDispatchResult.STOP\n",
        modern=True,
    ),
    hides(
        "comparator_that_empties",
        "",
        "add_column isbn",
        before="from alembic.autogenerate import comparators\nfrom alembic.util import DispatchPriority\n"
        "@comparators.dispatch_for('schema', priority=DispatchPriority.LAST)\n"
        "def empty(context, operations, schemas):\n    operations.ops.clear()\n",
        modern=True,
    ),
    hides(
        "plugin_that_stops",
        'autogenerate_plugins=["alembic.autogenerate.*", "own.stop"]',
        "modify_type title",
        text=LONGER,
        before="from alembic.runtime import plugins\n"
        "from alembic.util import PriorityDispatchResult, DispatchPriority\n"
        "if 'own.stop' not in plugins._all_plugins:\n"
        "    plugins.Plugin('own.stop').add_autogenerate_comparator(\n"
        "        lambda *_: PriorityDispatchResult.STOP, 'column', 'types', priority=DispatchPriority.FIRST)\n",
        modern=True,
    ),
]
WIDE = revision("a1", None, BOOK.replace("String(50)", "Text"), 'op.drop_table("book")')
NOT_IMPORTED = [
    Way(
        "table_by_another_name",
        {
            "log.py": "from sqlalchemy import Column as C, Integer, Table as T\nfrom models import Base\n"
            'T("log", Base.metadata, C("id", Integer, primary_key=True))\n'
        },
        code="AR104",
        said="table log is declared in log",
    ),
]
FILTERS_LEGIT = [
    legit(
        "filter_of_a_foreign_table",
        {
            "migrations/env.py": env('include_object=lambda o, n, k, *_: n != "spatial_ref_sys"'),
            f"{VERSIONS}/a2_gis.py": revision(
                "a2",
                "a1",
                'op.execute("CREATE TABLE spatial_ref_sys (srid INTEGER)")',
                'op.execute("DROP TABLE spatial_ref_sys")',
            ),
        },
        "AR604",
    ),
    legit(
        "filter_by_name_of_a_foreign_table",
        {
            "migrations/env.py": env('include_name=lambda n, k, p: n != "spatial_ref_sys"'),
            f"{VERSIONS}/a2_gis.py": revision(
                "a2",
                "a1",
                'op.execute("CREATE TABLE spatial_ref_sys (srid INTEGER)")',
                'op.execute("DROP TABLE spatial_ref_sys")',
            ),
        },
        "AR604",
    ),
    legit(
        "only_tables_of_the_models",
        {
            "migrations/env.py": env(
                "include_object=own",
                before="def own(o, n, k, reflected, other):\n"
                "    return k != 'table' or not reflected or other is not None\n",
            ),
            f"{VERSIONS}/a2_log.py": more("a2", table="log"),
        },
        "AR604",
    ),
    legit("filter_that_hides_nothing", {"migrations/env.py": env("include_object=lambda *_: True")}, "AR604"),
    legit(
        "filter_of_an_equal_table",
        {"migrations/env.py": env('include_object=lambda o, n, k, *_: n != "book"')},
        "AR604",
    ),
    legit("types_that_are_equal", {"migrations/env.py": env(ALWAYS_EQUAL)}, "AR604"),
    legit("types_off_and_equal", {"migrations/env.py": env("compare_type=False")}, "AR604"),
    legit("defaults_that_are_equal", {"migrations/env.py": env("compare_server_default=lambda *_: False")}, "AR604"),
    legit(
        "compare_type_undecided",
        {"models.py": LONGER, "migrations/env.py": env("compare_type=lambda *_: None")},
        "AR604",
        status=1,  # SQLite can't alter the column (AR217)
    ),
    legit(
        "compare_type_of_a_custom_type",
        {
            # Alembic can't see that both are the same: the type compiles to what the database has.
            "models.py": models()
            .replace("title = sa.Column(sa.String(50))", "title = sa.Column(Title())")
            .replace(
                "Base = ",
                "class Title(sa.types.UserDefinedType):\n    cache_ok = True\n"
                "    def get_col_spec(self, **_):\n        return 'varchar (50)'\n\nBase = ",
                1,
            ),
            "migrations/env.py": env(ALWAYS_EQUAL),
        },
        "AR604",
        url=POSTGRESQL,
    ),
    legit(
        "compare_type_of_a_variant",
        {
            "models.py": models().replace(
                "sa.Column(sa.String(50))\n    state",
                "sa.Column(sa.Text().with_variant(sa.String(50), 'sqlite'))\n    state",
            ),
            "migrations/env.py": env(ALWAYS_EQUAL),
        },
        "AR604",
    ),
    legit(
        "filter_of_a_view_in_the_models",
        {
            "models.py": models(
                after='sa.Table("shelf", Base.metadata, sa.Column("id", sa.Integer), info={"is_view": True})'
            ),
            "migrations/env.py": env('include_object=lambda o, *_: not o.info.get("is_view")'),
            f"{VERSIONS}/a2_view.py": revision(
                "a2", "a1", 'op.execute("CREATE VIEW shelf AS SELECT id FROM book")', 'op.execute("DROP VIEW shelf")'
            ),
        },
        "AR604",
    ),
    legit(
        "filter_of_an_index_of_the_database",
        {
            "migrations/env.py": env(
                "include_object=own",
                before="def own(o, n, k, reflected, other):\n"
                "    return k != 'index' or not reflected or other is not None\n",
            ),
            f"{VERSIONS}/a2_index.py": revision(
                "a2",
                "a1",
                'op.execute("CREATE INDEX ix_title ON book (lower(title))")',
                'op.execute("DROP INDEX ix_title")',
            ),
        },
        "AR604",
    ),
    legit(
        "directives_that_add_nothing",
        {"migrations/env.py": env("process_revision_directives=lambda *_: None")},
        "AR604",
    ),
    legit(
        "comparator_that_adds_nothing",
        {
            "migrations/env.py": env(
                before="from alembic.autogenerate import comparators\n"
                "@comparators.dispatch_for('schema')\ndef nothing(*_):\n    pass\n"
            )
        },
        "AR604",
    ),
    legit(
        "schema_compared_with_a_filter",
        {
            "models.py": models(
                after='sa.Table("log", Base.metadata, sa.Column("id", sa.Integer, primary_key=True), schema="audit")'
            ),
            "migrations/env.py": env('include_object=lambda o, n, k, *_: k != "table" or o.schema is None'),
            f"{VERSIONS}/a2_log.py": revision(
                "a2",
                "a1",
                'op.execute("CREATE SCHEMA audit")\n'
                'op.create_table("log", sa.Column("id", sa.Integer, primary_key=True), schema="audit")',
                'op.execute("DROP SCHEMA audit CASCADE")',
            ),
        },
        "AR604",
        url=POSTGRESQL,
    ),
    legit(
        "filter_of_what_a_plugin_sees",
        {"migrations/env.py": env("include_name=lambda n, k, p: k != 'schema' or n is None, include_schemas=True")},
        "AR604",
    ),
]

WITHOUT_REVISIONS: Files = {f"{VERSIONS}/a1_first.py": None}
NO_REVISION = "(?s)add_table author.*add_table book"


def unloaded(name: str, path: str, said: str, text: str | bytes = FIRST, **more: Any) -> Way:
    """Revisions that lie where Alembic does not load them, and none besides."""
    return Way(name, {**WITHOUT_REVISIONS, path: text, **more.pop("files", {})}, said=said, **more)


def _compiled(target: str) -> Callable[[Path], None]:
    """The project's revision as a compiled file only."""

    def prepare(folder: Path) -> None:
        source = folder / VERSIONS / "a1_first.py"
        (folder / target).parent.mkdir(exist_ok=True)
        code = f"import py_compile; py_compile.compile({str(source)!r}, {str(folder / target)!r}, doraise=True)"
        subprocess.run([str(stack().executable), "-c", code], check=True)
        source.unlink()

    return prepare


EXTENSION = r"not checked: revisions in .*versions \({}: Alembic loads only files whose names end in \.py"
REVISIONS = [
    Way("compiled", prepare=_compiled(f"{VERSIONS}/a1_first.pyc"), said="a1_first.pyc: .* sourceless = true"),
    Way(
        "compiled_in_cache",
        prepare=_compiled(f"{VERSIONS}/__pycache__/a1_first.cpython-311.pyc"),
        said="a1_first.cpython-311.pyc: .* sourceless = true",
    ),
    unloaded("text_file", f"{VERSIONS}/a1_first.py.txt", EXTENSION.format("a1_first.py.txt")),
    unloaded("backup", f"{VERSIONS}/a1_first.py.bak", EXTENSION.format("a1_first.py.bak")),
    unloaded("disabled", f"{VERSIONS}/a1_first.py.disabled", EXTENSION.format("a1_first.py.disabled")),
    unloaded("without_extension", f"{VERSIONS}/a1_first", EXTENSION.format("a1_first")),
    unloaded("upper_case", f"{VERSIONS}/a1_first.PY", EXTENSION.format("a1_first.PY")),
    unloaded("stub", f"{VERSIONS}/a1_first.pyi", EXTENSION.format("a1_first.pyi")),
    unloaded("lock_file", f"{VERSIONS}/.#a1_first.py", EXTENSION.format(".#a1_first.py")),
    unloaded("package_file", f"{VERSIONS}/__init__.py", EXTENSION.format("__init__.py")),
    unloaded(
        "sql_file",
        f"{VERSIONS}/V1__first.sql",
        r"V1__first.sql: Alembic runs revisions in Python",
        "CREATE TABLE book (id INTEGER)",
    ),
    unloaded("subfolder", f"{VERSIONS}/2024/a1_first.py", "a1_first.py: subfolders are loaded only with recursive_"),
    unloaded("deep_subfolder", f"{VERSIONS}/2024/01/a1_first.py", "a1_first.py: subfolders are loaded only with"),
    unloaded(
        "another_folder",
        "migrations/old/a1_first.py",
        "a1_first.py: no version location contains the folder",
        files={f"{VERSIONS}/README": ""},
    ),
    unloaded(
        "another_folder_and_none", "migrations/revisions/a1_first.py", "", failed="does not exist, but .*a1_first.py"
    ),
    Way("later_one_renamed", {f"{VERSIONS}/a2_log.py.txt": more("a2", table="log")}, said="a2_log.py.txt"),
    Way(
        "later_one_in_a_subfolder",
        {f"{VERSIONS}/late/a2_log.py": more("a2", table="log")},
        said="a2_log.py: subfolders",
    ),
    Way(
        "parent_renamed",
        {f"{VERSIONS}/a2_log.py.txt": more("a2"), f"{VERSIONS}/a3_log.py": more("a3", "a2")},
        failed=r"(?s)down_revision of revision a3 is a2.*a2_log.py.txt is not loaded: Alembic loads only files",
    ),
    Way(
        "parent_in_a_subfolder",
        {f"{VERSIONS}/late/a2_log.py": more("a2"), f"{VERSIONS}/a3_log.py": more("a3", "a2")},
        failed=r"(?s)down_revision of revision a3 is a2.*a2_log.py is not loaded: subfolders",
    ),
    Way(
        "versions_is_a_file",
        {**WITHOUT_REVISIONS, VERSIONS: "hello"},
        failed="version location .*versions can't be read",
    ),
    Way(
        "versions_leads_nowhere",
        WITHOUT_REVISIONS,
        failed="version location .*versions can't be read",
        prepare=lambda folder: (folder / VERSIONS).symlink_to("nowhere"),
    ),
    Way(
        "versions_leads_to_itself",
        WITHOUT_REVISIONS,
        failed="version location .*versions can't be read",
        prepare=lambda folder: (folder / VERSIONS).symlink_to("versions"),
    ),
]
REVISIONS_LEGIT = [
    legit(
        "backup_of_a_loaded_revision",
        {f"{VERSIONS}/a1_first.py~": FIRST, f"{VERSIONS}/a1_first.py.orig": FIRST},
        "",
        said="not loaded|loads only",
    ),
    legit(
        "cache_of_a_deleted_revision",
        {},
        "",
        said="sourceless",
        prepare=lambda folder: _cached(folder, "a9_gone", more("a9")),
    ),
    legit(
        "readme_and_sql_beside_revisions",
        {f"{VERSIONS}/README": "revision = none", f"{VERSIONS}/first.sql": "SELECT 1"},
        "",
        said="loads only|Alembic runs revisions",
    ),
    legit(
        "recursive",
        {
            "alembic.ini": INI.format(url=SQLITE) + "recursive_version_locations = true\n",
            f"{VERSIONS}/late/a2_log.py": more("a2", table="author2"),
        },
        "",
        said="subfolders",
    ),
    legit(
        "sourceless",
        {"alembic.ini": INI.format(url=SQLITE) + "sourceless = true\n"},
        "",
        said="sourceless",
        prepare=_compiled(f"{VERSIONS}/a1_first.pyc"),
    ),
    legit("empty_package_file", {f"{VERSIONS}/__init__.py": ""}, "", said="__init__"),
]


def _cached(folder: Path, name: str, text: str) -> None:
    source = folder / VERSIONS / f"{name}.py"
    source.write_text(text)
    code = f"import py_compile; py_compile.compile({str(source)!r}, doraise=True)"
    subprocess.run([str(stack().executable), "-c", code], check=True)
    source.unlink()


def target(name: str, text: str, failed: str, **more: Any) -> Way:
    return Way(name, {"migrations/env.py": env(target=text), **more}, failed=failed)


TWICE = """\
for number, md in enumerate([models.Base.metadata, {second}]):
    engine = sa.create_engine(f"sqlite:///never{{number}}.db")
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=md{options})
        with context.begin_transaction():
            context.run_migrations()
"""


def twice(second: str, options: str = "") -> str:
    """An env.py that runs migrations for two databases."""
    return "import sqlalchemy as sa\nfrom alembic import context\nimport models\n" + TWICE.format(
        second=second, options=options
    )


TARGETS = [
    target("no_target", "None", "gives Alembic no target_metadata"),
    target("empty_metadata", "sa.MetaData()", "No model was loaded"),
    target("empty_list", "[]", "No model was loaded"),
    target("list_of_empty", "[sa.MetaData(), sa.MetaData()]", "No model was loaded"),
    Way("no_target_for_the_second", {"migrations/env.py": twice("None")}, failed="gives Alembic no target_metadata"),
    Way("empty_target_for_the_second", {"migrations/env.py": twice("sa.MetaData()")}, failed="No model was loaded for"),
    Way(
        "reflected_for_the_second",
        {
            "migrations/env.py": twice("sa.MetaData()").replace(
                "    with engine", "    if number:\n        md.reflect(engine)\n    with engine"
            ),
        },
        failed=NOTHING,
    ),
    Way(
        "no_plugins_for_the_second",
        {"migrations/env.py": twice("models.Base.metadata", ", autogenerate_plugins=[] if number else None")},
        failed="Nothing was compared",
        modern=True,
    ),
    Way(
        "own_function",
        {"migrations/env.py": env("fn=lambda heads, context: []")},
        failed="ran migrations with a function of its own",
    ),
    Way(
        "own_function_for_the_second",
        {"migrations/env.py": twice("models.Base.metadata", ", **({'fn': lambda *_: []} if number else {})")},
        failed="ran migrations with a function of its own",
    ),
    Way(
        "own_context",
        {
            "migrations/env.py": env()
            + "\nfrom alembic.migration import MigrationContext\nwith engine.connect() as connection:\n"
            "    MigrationContext.configure(connection, opts={'fn': lambda *_: []}).run_migrations()\n"
        },
        failed="ran migrations with a function of its own",
    ),
    Way(
        "only_when_upgrading",
        {
            "migrations/env.py": twice("models.Base.metadata").replace(
                "    engine =",
                "    if number and context.config.cmd_opts.cmd[0].__name__ == 'revision':\n        continue\n"
                "    engine =",
            )
        },
        failed="ran migrations 2 times for .*, but 1 times",
    ),
    Way(
        "filter_of_everything",
        {"migrations/env.py": env("include_object=lambda *_: False")},
        failed="Nothing was compared",
    ),
    Way(
        "filter_of_all_tables",
        {"migrations/env.py": env("include_object=lambda o, n, k, *_: k != 'table'")},
        failed="Nothing was compared",
    ),
    Way(
        "names_of_nothing",
        {"migrations/env.py": env("include_name=lambda *_: False")},
        said="add_table book",
        status=1,  # the tables exist already (AR217)
    ),
    Way(
        "names_of_no_table",
        {"migrations/env.py": env("include_name=lambda n, k, p: k != 'table'")},
        failed="Nothing was compared",
    ),
    Way(
        "directives_emptied",
        {
            "models.py": PENDING,
            "migrations/env.py": env(
                "process_revision_directives=empty",
                before="def empty(context, revision, directives):\n    directives.clear()\n",
            ),
        },
        said="add_column book.isbn",
    ),
    Way(
        "directives_without_operations",
        {
            "models.py": PENDING,
            "migrations/env.py": env(
                "process_revision_directives=empty",
                before="def empty(context, revision, directives):\n    directives[0].upgrade_ops.ops.clear()\n",
            ),
        },
        said="add_column book.isbn",
    ),
    Way(
        "directives_of_a_rewriter",
        {
            "models.py": PENDING,
            "migrations/env.py": env(
                "process_revision_directives=writer",
                before="from alembic.autogenerate import rewriter\nfrom alembic.operations import ops\n"
                "writer = rewriter.Rewriter()\n@writer.rewrites(ops.AddColumnOp)\n"
                "def drop(context, revision, op):\n    return []\n",
            ),
        },
        said="add_column book.isbn",
    ),
    Way(
        "schema_not_included",
        {
            "models.py": models(
                after='sa.Table("log", Base.metadata, sa.Column("id", sa.Integer, primary_key=True), schema="audit")'
            ),
            f"{VERSIONS}/a2_log.py": revision(
                "a2", "a1", 'op.execute("CREATE SCHEMA audit")', 'op.execute("DROP SCHEMA audit")'
            ),
        },
        said="add_table log",
        url=POSTGRESQL,
    ),
    Way(
        "schema_of_the_database_not_included",
        {
            f"{VERSIONS}/a2_log.py": revision(
                "a2",
                "a1",
                'op.execute("CREATE SCHEMA audit")\n'
                'op.create_table("log", sa.Column("id", sa.Integer, primary_key=True), schema="audit")',
                'op.execute("DROP SCHEMA audit CASCADE")',
            ),
        },
        said="not checked: tables in the schemas audit",
        url=POSTGRESQL,
    ),
    Way(
        "condition_of_an_index",
        {
            "models.py": models(after='sa.Index("ix_title", Book.title, sqlite_where=Book.id > 5)'),
            f"{VERSIONS}/a2_index.py": revision(
                "a2", "a1", 'op.create_index("ix_title", "book", ["title"], sqlite_where=sa.text("id > 99"))'
            ),
        },
        said="not checked: conditions of partial indexes",
    ),
    Way(
        "index_on_an_expression",
        {"models.py": models(after='sa.Index("ix_title", sa.func.lower(Book.title))')},
        said="not checked: indexes on expressions",
    ),
    Way(
        "generated_column",
        {
            "models.py": models(book='twice = sa.Column(sa.Integer, sa.Computed("id + id"))'),
            f"{VERSIONS}/a2_twice.py": revision(
                "a2", "a1", 'op.add_column("book", sa.Column("twice", sa.Integer, sa.Computed("id * 9")))'
            ),
        },
        said="not checked: expressions of generated columns",
    ),
    Way(
        "system_column",
        {"models.py": models(book="isbn = sa.Column(sa.String(13), system=True)")},
        said="not checked: columns with system=True: book.isbn",
    ),
    Way(
        "model_of_the_version_table",
        {
            "models.py": models(
                after='class Version(Base):\n    __tablename__ = "alembic_version"\n'
                "    version_num = sa.Column(sa.String(32), primary_key=True)\n    note = sa.Column(sa.Text)\n"
            )
        },
        said="not checked: the model of alembic_version",
    ),
    Way("defaults_off", {"models.py": OTHER_DEFAULT}, said="not checked: server defaults"),
]

WAYS = [
    *PLUGINS,
    *REFLECTED,
    *REFLECTED_LEGIT,
    *OUTSIDE,
    *OUTSIDE_LEGIT,
    *FILTERS,
    *FILTERS_LEGIT,
    *NOT_IMPORTED,
    *REVISIONS,
    *REVISIONS_LEGIT,
    *TARGETS,
]
QUICK = {"plugins_none", "reflected_metadata", "second_base", "compare_type_always_equal", "subfolder", "own_function"}
assert len({way.name for way in WAYS}) == len(WAYS)


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def _project(tmp_path: Path, way: Way) -> Application:
    folder = tmp_path / "project"
    files = {**PROJECT, **way.files}
    if way.url != SQLITE:
        files["alembic.ini"] = str(files["alembic.ini"]).replace(SQLITE, way.url)
    write(folder, {name: text for name, text in files.items() if text is not None})
    if way.prepare is not None:
        shutil.rmtree(folder / VERSIONS) if way.files is WITHOUT_REVISIONS and (folder / VERSIONS).is_dir() else None
        way.prepare(folder)
    return Application(tmp_path, folder, make_environment(tmp_path / "env"))


@pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.name, marks=() if way.name in QUICK else pytest.mark.trust) for way in WAYS]
)
def test_comparison(
    way: Way,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    if way.modern and stack().alembic < (1, 18):
        pytest.skip("Alembic 1.18 introduced plugins")
    application = _project(tmp_path, way)
    monkeypatch.chdir(application.project)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    outcome = here.review(application, tmp_path / "out", capsys)
    if way.failed:
        record_property("outcome", "exit 3")
        assert outcome.status == 3, outcome.explain()
        assert re.search(way.failed, outcome.failure), outcome.explain()
        return
    assert outcome.status == way.status, outcome.explain()
    found = [one for one in outcome.report["findings"] if one["code"] == way.code]
    messages = "\n".join(one["message"] for one in found)
    rows = [f"{one['kind']} {one['table']}.{one['name']}" for one in outcome.report["changes"]]
    told = "\n".join([*rows, *(f"not checked: {line}" for line in outcome.report["provenance"]["not_checked"])])
    if way.legit:
        record_property("outcome", "no finding")
        assert not found, outcome.explain() + messages
        assert not way.said or not re.search(way.said, told), outcome.explain()
    elif way.code:
        record_property("outcome", way.code)
        assert re.search(way.said, messages), f"{outcome.explain()}\n{messages}"
        assert {one["severity"] for one in found} == {"warning"}
    else:
        record_property("outcome", "listed")
        assert re.search(way.said, told), outcome.explain()

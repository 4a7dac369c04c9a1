"""Tables that a generator makes (chronicle's history tables) and tables of the core's factory."""

from __future__ import annotations

from .edits import MODEL, VERSIONS, Append, Edit, Replace, module, revision
from .harness import POSTGRESQL
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, Scenario, codes

WIDGETS = f"{MODEL}/widgets.py"
CORE_MODEL = "site:acme/db/model"

WIDGET_HISTORY = Replace(
    WIDGETS, '    __tablename__ = "poser_widget"\n', '    __tablename__ = "poser_widget"\n    __history__ = True\n'
)
PERSON_HISTORY = Append(f"{MODEL}/people.py", "\nPoserPerson.__history__ = True\n")

CREATE_PERSON_HISTORY = """
op.create_table(
    "poser_person_history",
    sa.Column("uuid", sa.String(32), primary_key=True),
    sa.Column("nickname", sa.String(40)),
    sa.Column("history_id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("changed_at", sa.DateTime()),
)
op.create_index("ix_poser_person_history_changed_at", "poser_person_history", ["changed_at"])
"""

NEWER_GENERATOR = Replace(
    "site:chronicle/builder.py",
    "        return table\n",
    '        sa.Index(f"ix_{self.name}_history_id", table.c.history_id)\n        return table\n',
)

NEW_LOG = module("make_log_table(metadata, 'poser_import_log')\n")
CREATE_LOG = """
op.create_table(
    "poser_import_log",
    sa.Column("number", sa.Integer(), primary_key=True),
    sa.Column("logged_at", sa.DateTime(), nullable=False),
)
"""


def settings(text: str) -> tuple[Edit, ...]:
    """Lines of the project's ``[tool.alembic-review]`` table."""
    return (Append("pyproject.toml", f"\n[tool.alembic-review]\n{text}\n"),)


def enum_plugin(values: str = '"plain", "fancy", "royal"') -> tuple[Edit, ...]:
    """The environment compares enum values, and ours has one more."""
    return (
        Replace("site:acme/db/alembic/env.py", "from alembic import context\n", f"{ENUM_IMPORT}\n"),
        Replace(WIDGETS, '"plain", "fancy"', values),
    )


ENUM_IMPORT = "import alembic_postgresql_enum\nfrom alembic import context"

# The custom table uses the core's type, in its model and in the database.
USES_STORE_STATE = (
    Replace("site:acme/db/alembic/env.py", "from alembic import context\n", f"{ENUM_IMPORT}\n"),
    Append(
        f"{MODEL}/people.py", "\nfrom acme.db.model import store_state\nPoserPerson.state = sa.Column(store_state)\n"
    ),
    *revision(
        """
        state = sa.dialects.postgresql.ENUM(name='store_state', create_type=False)
        op.add_column('poser_person', sa.Column('state', state))
        """
    ),
    Replace(
        f"{VERSIONS}/aa00bb11cc22_step.py",
        "import sqlalchemy as sa\n",
        "import sqlalchemy as sa\nimport sqlalchemy.dialects.postgresql\n",
    ),
)

GENERATED = (
    Scenario(
        "history-of-a-custom-table-new",
        (WIDGET_HISTORY,),
        databases=SQLITE_FIRST,
        # Alembic writes the enum type once more, which PostgreSQL has already: that is what proofs would show.
        arguments=("--no-prove",),
        changes=(
            "safe add_table poser_widget_history",
            "safe add_index poser_widget_history.ix_poser_widget_history_changed_at",
        ),
        owners={"poser_widget_history": "poser custom"},
    ),
    Scenario(
        "history-of-a-custom-table-existing",
        (
            PERSON_HISTORY,
            *revision(CREATE_PERSON_HISTORY),
            Replace(f"{MODEL}/people.py", "    nickname =", "    title = sa.Column(sa.String(9))\n    nickname ="),
        ),
        changes=("safe add_column poser_person.title", "safe add_column poser_person_history.title"),
        owners={"poser_person_history": "poser custom"},
    ),
    Scenario(
        "history-of-a-core-table-new",
        (
            Replace(
                f"{CORE_MODEL}/people.py",
                '    __tablename__ = "user"\n',
                '    __tablename__ = "user"\n    __history__ = True\n',
            ),
        ),
        changes=(
            "upstream add_table user_history",
            "upstream add_index user_history.ix_user_history_changed_at",
        ),
        owners={"user_history": "acme core"},
    ),
    Scenario(
        "generator-ahead-of-revisions",
        (NEWER_GENERATOR, PERSON_HISTORY, *revision(CREATE_PERSON_HISTORY)),
        databases=POSTGRESQL_FIRST,
        changes=(
            "upstream add_index product_history.ix_product_history_history_id",
            "safe add_index poser_person_history.ix_poser_person_history_history_id",
        ),
        causes={"product_history.ix_product_history_history_id": "chronicle"},
    ),
    Scenario(
        "factory-of-the-core-new",
        NEW_LOG,
        status=1,
        changes=("blocked add_table poser_import_log",),
        findings=codes("AR101", "AR103"),
        says=("owners", "poser_import_log"),
    ),
    Scenario(
        "factory-of-the-core-new-settled",
        (*NEW_LOG, *settings('owners = { poser_import_log = "poser" }')),
        changes=("safe add_table poser_import_log",),
        owners={"poser_import_log": "poser custom"},
    ),
    Scenario(
        "factory-of-the-core-existing",
        (*NEW_LOG, *revision(CREATE_LOG)),
        changes=("safe add_column poser_import_log.message",),
        owners={"poser_import_log": "poser custom"},
    ),
    Scenario(
        "enum-of-custom-tables",
        (
            *enum_plugin(),
            *module(
                """
                from .widgets import PoserWidget
                grade = PoserWidget.__table__.c.grade.type
                number = sa.Column("id", sa.Integer(), primary_key=True)
                sa.Table("poser_offer", metadata, number, sa.Column("grade", grade))
                """
            ),
        ),
        databases=(POSTGRESQL,),
        changes=("safe add_table poser_offer", "safe op:AddEnumValuesOp -.poser_grade"),
    ),
    Scenario(
        "enum-of-core-tables-changed-by-the-core",
        (
            Replace("site:acme/db/alembic/env.py", "from alembic import context\n", f"{ENUM_IMPORT}\n"),
            Replace(f"{CORE_MODEL}/stores.py", '"open", "closed"', '"open", "closed", "moving"'),
        ),
        databases=(POSTGRESQL,),
        changes=("upstream op:AddEnumValuesOp -.store_state",),
    ),
    Scenario(
        "enum-of-both-changed-by-the-core",
        (*USES_STORE_STATE, Replace(f"{CORE_MODEL}/stores.py", '"open", "closed"', '"open", "closed", "moving"')),
        databases=(POSTGRESQL,),
        changes=("upstream op:AddEnumValuesOp -.store_state",),
    ),
    Scenario(
        "enum-of-both-changed-by-the-application",
        (
            *USES_STORE_STATE,
            *module(
                """
                ours = sa.Enum("open", "closed", "moving", name="store_state")
                Store.__table__.c.state.type = ours
                """
            ),
        ),
        databases=(POSTGRESQL,),
        status=1,
        changes=("blocked op:AddEnumValuesOp -.store_state",),
        findings=codes("AR101", "AR105"),
    ),
)

"""Tables and changes that the witnesses do not explain, or that they disagree on: the tool fails closed."""

from __future__ import annotations

from .cases_generated import settings
from .edits import MODEL, Append, Replace, Write, module, revision
from .scenario import SQLITE_FIRST, Scenario, codes

STRAY = Replace(
    "site:acme/db/alembic/env.py",
    "    engine = create_engine(config.database_url)\n",
    "    engine = create_engine(config.database_url)\n"
    "    with engine.begin() as connection:\n"
    "        connection.exec_driver_sql('CREATE TABLE IF NOT EXISTS stray (id INTEGER)')\n",
)

# A core revision made the table, the application's model claims it.
BADGE_BY_CORE = Replace(
    "site:acme/db/alembic/versions/c6f1d35908ab_inactive_users.py",
    '    op.create_index("ix_store_city", "store", ["city"])\n',
    '    op.create_index("ix_store_city", "store", ["city"])\n'
    '    op.create_table("badge", sa.Column("id", sa.Integer(), primary_key=True))\n',
)
BADGE_MODEL = module(
    """
    sa.Table(
        "badge", metadata, sa.Column("id", sa.Integer(), primary_key=True), sa.Column("name", sa.String(10))
    )
    """
)
CREATE_BADGE = "op.create_table('badge', sa.Column('id', sa.Integer(), primary_key=True))"
CORE_BADGE = Append(
    "site:acme/db/model/logs.py",
    """
    sa.Table(
        "badge", metadata, sa.Column("id", sa.Integer(), primary_key=True), sa.Column("name", sa.String(10))
    )
    """,
)

TILLS = (
    Write("site:tills/__init__.py", '"""Tills, on top of acme."""\n'),
    Write(
        "site:tills/model.py",
        """
        import sqlalchemy as sa
        from acme.db.model import metadata

        sa.Table("tills_drawer", metadata, sa.Column("id", sa.Integer(), primary_key=True))
        sa.Table("tills_receipt", metadata, sa.Column("id", sa.Integer(), primary_key=True))
        """,
    ),
    Write(
        "site:tills/versions/0f1e2d3c4b5a_tills.py",
        """
        import sqlalchemy as sa
        from alembic import op

        revision = "0f1e2d3c4b5a"
        down_revision = None
        branch_labels = ("tills",)
        depends_on = None


        def upgrade():
            op.create_table("tills_drawer", sa.Column("id", sa.Integer(), primary_key=True))
            op.create_table("tills_receipt", sa.Column("id", sa.Integer(), primary_key=True))
        """,
    ),
    Write("site:tills-2.0.dist-info/METADATA", "Metadata-Version: 2.4\nName: tills\nVersion: 2.0\n"),
    Write(
        "site:tills-2.0.dist-info/RECORD",
        "tills/__init__.py,,\ntills/model.py,,\ntills/versions/0f1e2d3c4b5a_tills.py,,\n"
        "tills-2.0.dist-info/METADATA,,\ntills-2.0.dist-info/RECORD,,\n",
    ),
    Replace("app/acme.conf", "alembic/versions acme.db", "alembic/versions tills:versions acme.db"),
)

UNIMPORTED = Write(
    f"{MODEL}/vehicles.py",
    """
    import sqlalchemy as sa
    from acme.db.model import Base, uuid_column


    class PoserVehicle(Base):  # HERE AR104
        __tablename__ = "poser_vehicle"
        uuid = uuid_column()
    """,
)

UNREADABLE = Replace(
    f"{MODEL}/vehicles.py", '"poser_vehicle"', 'uuid_column.__name__.replace("uuid_column", "poser_vehicle")'
)

UNEXPLAINED = (
    Scenario(
        "table-that-no-revision-created",
        (STRAY,),
        databases=SQLITE_FIRST,
        status=1,
        changes=("blocked remove_table stray",),
        findings=codes("AR101", "AR103"),
        owners={"stray": "None unknown"},
    ),
    Scenario(
        "custom-model-and-core-revision",
        (BADGE_BY_CORE, *BADGE_MODEL),
        status=1,
        changes=("blocked add_column badge.name",),
        findings=codes("AR101", "AR102", "AR511"),
    ),
    Scenario(
        "custom-model-and-core-revision-settled",
        (BADGE_BY_CORE, *BADGE_MODEL, *settings('owners = { badge = "poser" }')),
        changes=("safe add_column badge.name",),
        findings=codes("AR401"),
        owners={"badge": "poser custom"},
    ),
    Scenario(
        "core-model-and-custom-revision",
        (CORE_BADGE, *revision(CREATE_BADGE)),
        status=1,
        changes=("blocked add_column badge.name",),
        findings=codes("AR101", "AR102", "AR511"),
    ),
    Scenario(
        "core-model-and-custom-revision-settled",
        (CORE_BADGE, *revision(CREATE_BADGE), *settings('owners = { badge = "acme" }')),
        status=0,
        changes=("upstream add_column badge.name",),
        owners={"badge": "acme core"},
    ),
    Scenario(
        "integration-package-in-between",
        (*TILLS, Append(f"{MODEL}/__init__.py", "import tills.model\n")),
        owners={"tills_drawer": "tills core", "poser_widget": "poser custom"},
    ),
    Scenario(
        "custom-table-in-the-namespace-of-another-owner",
        (
            *TILLS,
            *module(
                """
                import tills.model
                sa.Table("tills_wish", metadata, sa.Column("id", sa.Integer(), primary_key=True))  # HERE AR402
                """
            ),
        ),
        changes=("safe add_table tills_wish",),
        findings=codes("AR401", "AR402"),
    ),
    Scenario(
        "module-nobody-imports-new",
        (UNIMPORTED,),
        findings=codes("AR104"),
        says=(r"import.*vehicles|vehicles.*import", r"poser/db/model/__init__\.py"),
    ),
    Scenario(
        "module-nobody-imports-with-a-table",
        (UNIMPORTED, *revision("op.create_table('poser_vehicle', sa.Column('uuid', sa.String(32), primary_key=True))")),
        databases=SQLITE_FIRST,
        status=1,
        changes=("blocked remove_table poser_vehicle",),
        findings=codes("AR101", "AR104"),
        says=(r"import.*vehicles|vehicles.*import", r"poser/db/model/__init__\.py"),
    ),
    Scenario(
        "module-nobody-imports-with-a-table-whose-name-is-computed",
        (
            UNIMPORTED,
            UNREADABLE,
            *revision("op.create_table('poser_vehicle', sa.Column('uuid', sa.String(32), primary_key=True))"),
        ),
        status=1,
        changes=("blocked remove_table poser_vehicle",),
        findings=codes("AR101", "AR104"),
        says=(r"name can't be read", r"from poser\.db\.model import vehicles", r"poser/db/model/__init__\.py"),
    ),
    Scenario(
        "module-nobody-imports-with-a-table-whose-name-is-put-together",
        (
            UNIMPORTED,
            Replace(f"{MODEL}/vehicles.py", "class PoserVehicle", 'PREFIX = "poser_"\n\n\nclass PoserVehicle'),
            Replace(f"{MODEL}/vehicles.py", '"poser_vehicle"', 'f"{PREFIX}vehicle"'),
            *revision(
                "op.create_table('poser_vehicle', sa.Column('uuid', sa.String(32), primary_key=True))\n"
                "op.create_table('poser_old', sa.Column('uuid', sa.String(32), primary_key=True))",
            ),
        ),
        status=1,
        changes=("blocked remove_table poser_vehicle", "safe remove_table poser_old"),
        findings=codes("AR101", "AR104", "AR203"),
    ),
)

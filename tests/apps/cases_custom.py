"""Changes to the application's own tables: safe."""

from __future__ import annotations

from .edits import MODEL, Append, Replace, Write, module, revision
from .harness import SQLITE
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, Scenario, codes

WIDGETS = f"{MODEL}/widgets.py"

ADDED = (
    *module(
        """
        class PoserGadget(Base):  # HERE poser_gadget
            __tablename__ = "poser_gadget"
            __table_args__ = (sa.UniqueConstraint("code", name="uq_poser_gadget_code"),)
            uuid = uuid_column()
            code = sa.Column(sa.String(20))
            store_uuid = uuid_fk_column("store.uuid", index=True)

        sa.Table(  # HERE poser_gadget_person
            "poser_gadget_person",
            metadata,
            sa.Column("gadget_uuid", sa.String(32), sa.ForeignKey("poser_gadget.uuid"), primary_key=True),
            sa.Column("person_uuid", sa.String(32), sa.ForeignKey("person.uuid"), primary_key=True),
        )
        """
    ),
    Replace(
        WIDGETS,
        "    size = sa.Column(sa.Integer())\n",
        "    size = sa.Column(sa.Integer(), comment='in mm')\n"
        "    weight = sa.Column(sa.Integer())  # HERE poser_widget.weight\n"
        "    maker_uuid = uuid_fk_column('person.uuid')  # HERE poser_widget.maker_uuid\n",
    ),
    Replace(
        WIDGETS,
        '        sa.UniqueConstraint("code", name="uq_poser_widget_code"),\n',
        '        sa.UniqueConstraint("code", name="uq_poser_widget_code"),\n'
        '        sa.UniqueConstraint("name", name="uq_poser_widget_name"),\n'
        '        sa.Index("ix_poser_widget_grade", "grade"),\n',
    ),
    Append(f"{MODEL}/people.py", "\nPoserPerson.__table__.comment = 'nicknames'\n"),
)

CHANGED = (
    Replace(WIDGETS, "size = sa.Column(sa.Integer())", "size = sa.Column(sa.BigInteger())  # HERE poser_widget.size"),
    Replace(WIDGETS, "code = sa.Column(sa.String(20), nullable=False)", "code = sa.Column(sa.String(20))"),
    Replace(WIDGETS, "never printed", "never ever printed"),
    Replace(WIDGETS, "What we make", "What we sell"),
    Replace(WIDGETS, 'sa.Index("ix_poser_widget_size", "size")', 'sa.Index("ix_poser_widget_size", "size", "name")'),
    Replace(
        WIDGETS,
        'sa.UniqueConstraint("code", name="uq_poser_widget_code")',
        'sa.UniqueConstraint("code", "name", name="uq_poser_widget_code")',
    ),
    Replace(WIDGETS, 'home_uuid = uuid_fk_column("store.uuid")', 'home_uuid = uuid_fk_column("person.uuid")'),
    Replace(WIDGETS, "    home = relationship(Store)\n", ""),
)

REMOVED = (
    Replace(WIDGETS, "    shape = sa.Column(sa.String(10))\n", ""),
    Replace(WIDGETS, '        sa.Index("ix_poser_widget_size", "size"),\n', ""),
    Replace(WIDGETS, '        sa.UniqueConstraint("code", name="uq_poser_widget_code"),\n', ""),
    Replace(WIDGETS, ', comment="never printed"', ""),
    Replace(WIDGETS, '        {"comment": "What we make"},\n', ""),
    Replace(WIDGETS, "    __table_args__ = (\n    )\n", ""),
    Replace(WIDGETS, 'home_uuid = uuid_fk_column("store.uuid")', "home_uuid = sa.Column(sa.String(32))"),
    Replace(WIDGETS, "    home = relationship(Store)\n", ""),
    Replace(WIDGETS, '\nsync_log = make_log_table(metadata, "poser_sync_log")\n', ""),
    Replace(f"{MODEL}/__init__.py", "poser_widget_store, sync_log", "poser_widget_store"),
)

TWO_PACKAGES = (
    Write("poser_labels/__init__.py", '"""Labels, a package of its own."""\n'),
    Write(
        "poser_labels/model.py",
        """
        import sqlalchemy as sa
        from acme.db.model import Base, uuid_column

        class Label(Base):  # HERE poser_label
            __tablename__ = "poser_label"
            uuid = uuid_column()
        """,
    ),
    Append(f"{MODEL}/__init__.py", "import poser_labels.model\n"),
    Append("pyproject.toml", '\n[tool.hatch.build.targets.wheel]\npackages = ["poser", "poser_labels"]\n'),
    Replace(WIDGETS, "    shape =", "    weight = sa.Column(sa.Integer())\n    shape ="),
)

# SQLite has no ALTER for most of these, and acme's env.py does not use batch mode: that is what proofs would show.
UNPROVED = ("--no-prove",)

CUSTOM = (
    Scenario(
        "clean",
        databases=POSTGRESQL_FIRST,
        owners={
            "product": "acme core",
            "person_store": "acme core",
            "event_log": "acme core",
            "journal": "acme core",
            "journal_line": "acme core",
            "product_history": "acme core",
            "poser_widget": "poser custom",
            "poser_widget_store": "poser custom",
            "poser_person": "poser custom extends person",
            "poser_sync_log": "poser custom",
        },
    ),
    Scenario(
        "custom-added",
        ADDED,
        databases=POSTGRESQL_FIRST,
        arguments=UNPROVED,
        changes=(
            "safe add_table poser_gadget",
            "safe add_index poser_gadget.ix_poser_gadget_store_uuid",
            "safe add_table poser_gadget_person",
            "safe add_column poser_widget.weight",
            "safe add_column poser_widget.maker_uuid",
            "safe add_fk poser_widget.fk_poser_widget_maker_uuid",
            "safe add_constraint poser_widget.uq_poser_widget_name",
            "safe add_index poser_widget.ix_poser_widget_grade",
        ),
        postgresql=("safe modify_comment poser_widget.size", "safe add_table_comment poser_person"),
        causes={"poser_gadget": "poser", "poser_widget.fk_poser_widget_maker_uuid": "poser"},
    ),
    Scenario(
        "custom-changed",
        CHANGED,
        databases=POSTGRESQL_FIRST,
        arguments=UNPROVED,
        changes=(
            "safe modify_type poser_widget.size",
            "safe modify_nullable poser_widget.code",
            "safe remove_index poser_widget.ix_poser_widget_size",
            "safe add_index poser_widget.ix_poser_widget_size",
            "safe remove_constraint poser_widget.uq_poser_widget_code",
            "safe add_constraint poser_widget.uq_poser_widget_code",
            "safe remove_fk poser_widget.fk_poser_widget_home_uuid",
            "safe add_fk poser_widget.fk_poser_widget_home_uuid",
        ),
        postgresql=("safe modify_comment poser_widget.note", "safe add_table_comment poser_widget"),
    ),
    Scenario(
        "custom-removed",
        REMOVED,
        databases=POSTGRESQL_FIRST,
        arguments=UNPROVED,
        changes=(
            "safe remove_table poser_sync_log",
            "safe remove_column poser_widget.shape",
            "safe remove_index poser_widget.ix_poser_widget_size",
            "safe remove_constraint poser_widget.uq_poser_widget_code",
            "safe remove_fk poser_widget.fk_poser_widget_home_uuid",
        ),
        postgresql=("safe modify_comment poser_widget.note", "safe remove_table_comment poser_widget"),
        findings=codes("AR201"),
    ),
    # Not a rename, which would leave open whose the new table is.
    Scenario(
        "revision-dropped-one-table-and-made-another",
        revision(
            """
            op.drop_table("poser_sync_log")
            op.create_table("poser_leftover", sa.Column("uuid", sa.String(32), primary_key=True))
            """
        ),
        databases=POSTGRESQL_FIRST,
        changes=("safe remove_table poser_leftover", "safe add_table poser_sync_log"),
        findings=codes("AR203"),
        owners={"poser_leftover": "poser custom"},
    ),
    Scenario(
        "extension-table-new",
        module(
            """
            class PoserProduct(Base):  # HERE poser_product
                __tablename__ = "poser_product"
                uuid = uuid_fk_column("product.uuid", primary_key=True)
            """
        ),
        changes=("safe add_table poser_product",),
        owners={"poser_product": "poser custom extends product"},
    ),
    Scenario(
        "audit-columns-of-the-core-on-a-custom-table",
        (
            Append(
                f"{MODEL}/people.py", "\nfrom acme.db.model import add_audit_columns\nadd_audit_columns(PoserPerson)\n"
            ),
        ),
        changes=("safe add_column poser_person.created_at", "safe add_column poser_person.created_by"),
        causes={"poser_person.created_by": "poser"},
    ),
    Scenario(
        "two-custom-packages",
        TWO_PACKAGES,
        changes=("safe add_table poser_label", "safe add_column poser_widget.weight"),
        causes={"poser_label": "poser_labels", "poser_widget.weight": "poser"},
        owners={"poser_label": "poser_labels custom", "poser_widget": "poser custom"},
    ),
    Scenario(
        "custom-table-that-no-model-declares",
        revision("op.create_table('poser_old', sa.Column('id', sa.Integer(), primary_key=True))"),
        databases=SQLITE_FIRST,
        changes=("safe remove_table poser_old",),
        findings=codes("AR203"),
    ),
    Scenario(
        "name-without-our-prefix",
        module("sa.Table('gizmo', metadata, sa.Column('id', sa.Integer(), primary_key=True))  # HERE gizmo"),
        databases=(SQLITE,),
        changes=("safe add_table gizmo",),
        findings=codes("AR401"),
    ),
    Scenario(
        "shipped-state",
        clean=False,
        databases=POSTGRESQL_FIRST,
        status=1,
        changes=(
            "safe add_table poser_delivery",
            "safe add_index poser_delivery.ix_poser_delivery_store_uuid",
            "safe add_column poser_shelf.material",
            "safe add_index poser_shelf.ix_poser_shelf_label",
            "safe modify_nullable poser_shelf.depth",
            "safe modify_type poser_shelf.number",
            "safe remove_column poser_shelf.materiel",
            "safe add_column poser_widget.colour",
            "safe remove_column poser_widget.shape",
            "blocked add_column product.shelf_label",
            "blocked add_index product.ix_product_description",
            "blocked add_column product_history.shelf_label",
        ),
        findings=codes("AR101", "AR203"),
        causes={"product.shelf_label": "poser", "product_history.shelf_label": "poser"},
    ),
)

"""Changes to core tables: blocked when the application caused them, upstream when the core did."""

from __future__ import annotations

from .edits import Append, Replace, module, revision
from .environments import stack
from .harness import POSTGRESQL, SQLITE
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, Scenario, codes

CORE_MODEL = "site:acme/db/model"

# With SQLAlchemy 1.4, Alembic leaves expression indexes of PostgreSQL out of the comparison.
COMPARES_EXPRESSIONS = stack().sqlalchemy >= (2, 0)

HANGS_ON = module(
    """
    core.Person.__table__.append_column(sa.Column("motto", sa.String(10)))  # HERE person.motto
    Store.phone = sa.Column(sa.String(20))  # HERE store.phone
    Store.manager_uuid = uuid_fk_column("person.uuid")  # HERE store.manager_uuid

    class Appliance(Product):
        __mapper_args__ = {"polymorphic_identity": "appliance"}
        voltage = sa.Column(sa.Integer())  # HERE product.voltage

    sa.Index("ix_store_name", Store.__table__.c.name)  # HERE store.ix_store_name
    names = sa.UniqueConstraint("first_name", "last_name", name="uq_person_names")
    Person.__table__.append_constraint(names)  # HERE person.uq_person_names
    """
)

IN_PLACE = module(
    """
    Person.__table__.c.first_name.type = sa.String(80)  # HERE person.first_name
    Store.__table__.c.name.nullable = True  # HERE store.name
    Person.__table__.c.last_name.type.length = 70
    Store.__table__.indexes.clear()
    metadata.remove(core.event_log)  # HERE event_log
    """
)

BEFORE_THE_CORE = Append(
    "poser/__init__.py",
    """
    import sqlalchemy as sa

    @sa.event.listens_for(sa.Column, "after_parent_attach")
    def loosen(column, table):
        if (table.name, column.name) == ("store", "name"):
            column.nullable = True  # HERE AR105
        if (table.name, column.name) == ("person", "last_name"):
            column.type.length = 70

    from acme.db.model import metadata

    names = dict(metadata.naming_convention, ix="idx_%(table_name)s_%(column_0_name)s")
    metadata.naming_convention = names  # HERE journal_line.idx_journal_line_journal_uuid
    """,
)

CORE = (
    Scenario(
        "before-the-core-defines-its-tables",
        (BEFORE_THE_CORE,),
        databases=(POSTGRESQL,),
        status=1,
        changes=(
            "blocked add_index journal_line.idx_journal_line_journal_uuid",
            "blocked remove_index journal_line.ix_journal_line_journal_uuid",
        ),
        causes={
            "journal_line.idx_journal_line_journal_uuid": "poser",
            "journal_line.ix_journal_line_journal_uuid": "poser",
        },
        findings=codes("AR101", "AR105"),
        says=(
            "store of acme .* poser changes the nullability of the column name",
            "person of acme .* unknown code changes the type of the column last_name",
        ),
        not_checked=(r"effects of poser/__init__.py:5 on tables \(it listens to every Column.after_parent_attach\)",),
    ),
    Scenario(
        "hung-onto-core-tables",
        HANGS_ON,
        databases=POSTGRESQL_FIRST,
        status=1,
        changes=(
            "blocked add_column person.motto",
            "blocked add_column store.phone",
            "blocked add_column store.manager_uuid",
            "blocked add_fk store.fk_store_manager_uuid",
            "blocked add_column product.voltage",
            "blocked add_column product_history.voltage",
            "blocked add_index store.ix_store_name",
            "blocked add_constraint person.uq_person_names",
        ),
        causes={
            "person.motto": "poser",
            "store.phone": "poser",
            "store.fk_store_manager_uuid": "poser",
            "product.voltage": "poser",
            "product_history.voltage": "poser",
            "store.ix_store_name": "poser",
        },
        findings=codes("AR101"),
    ),
    Scenario(
        "hung-onto-core-tables-in-rarer-ways",
        module(
            """
            sa.Table("store", metadata, sa.Column("fax", sa.String(9)), extend_existing=True)  # HERE store.fax
            longer = sa.Column("first_name", sa.String(99))
            Person.__table__.append_column(longer, replace_existing=True)  # HERE person.first_name
            key = sa.ForeignKeyConstraint(["city"], ["poser_sync_log.message"], name="fk_store_city")
            Store.__table__.append_constraint(key)  # HERE store.fk_store_city
            """
        ),
        databases=(POSTGRESQL,),
        status=1,
        changes=(
            "blocked add_column store.fax",
            "blocked modify_type person.first_name",
            "blocked add_fk store.fk_store_city",
        ),
        causes={
            "store.fax": "poser",
            "person.first_name": "poser",
            "store.fk_store_city": "poser",
        },
        findings=codes("AR101"),
    ),
    Scenario(
        "expression-index-on-a-core-table",
        module("sa.Index('ix_person_lower', sa.func.lower(Person.__table__.c.last_name))\n"),
        databases=(POSTGRESQL,),
        status=1,
        changes=("blocked add_index person.ix_person_lower",) if COMPARES_EXPRESSIONS else (),
        findings=codes("AR101" if COMPARES_EXPRESSIONS else "AR105"),
    ),
    Scenario(
        "core-changed-in-place",
        IN_PLACE,
        databases=POSTGRESQL_FIRST,
        status=1,
        changes=(
            "blocked modify_type person.first_name",
            "blocked modify_type person.last_name",
            "blocked modify_nullable store.name",
            "blocked remove_index store.ix_store_city",
            "blocked remove_table event_log",
        ),
        causes={
            "person.first_name": "poser",
            "store.name": "poser",
            "person.last_name": None,
            "store.ix_store_city": None,
            "event_log": "poser",
        },
        findings=codes("AR101"),
    ),
    Scenario(
        "core-comment-in-place",
        module("Setting.__table__.comment = 'ours now'  # HERE setting\n"),
        databases=(POSTGRESQL,),
        status=1,
        changes=("blocked add_table_comment setting",),
        causes={"setting": "poser"},
        findings=codes("AR101"),
    ),
    Scenario(
        "core-comment-in-place-where-there-are-none",
        module("Setting.__table__.comment = 'ours now'  # HERE AR105\n"),
        databases=(SQLITE,),
        status=1,
        findings=codes("AR105"),
    ),
    Scenario(
        "helper-of-the-core-on-a-core-table",
        module("core.add_audit_columns(Store)\ncore.add_audit_columns(core.person_store)\n"),
        status=1,
        changes=(
            "blocked add_column store.created_by",
            "blocked add_column store.created_at",
            "blocked add_column person_store.created_by",
            "blocked add_column person_store.created_at",
        ),
        causes={"store.created_by": "poser", "person_store.created_at": "poser"},
        findings=codes("AR101"),
    ),
    Scenario(
        "revision-altered-core-tables",
        revision(
            """
            op.add_column('store', sa.Column('fax', sa.String(20)))
            op.create_index('ix_person_last', 'person', ['last_name'])
            op.execute('ALTER TABLE setting ADD COLUMN origin VARCHAR(10)')
            """
        ),
        databases=POSTGRESQL_FIRST,
        status=1,
        changes=(
            "blocked remove_column store.fax",
            "blocked remove_index person.ix_person_last",
            "blocked remove_column setting.origin",
        ),
        causes={"store.fax": "poser", "person.ix_person_last": "poser", "setting.origin": "poser"},
        findings=codes("AR101", "AR106"),
        says=("aa00bb11cc22",),
    ),
    Scenario(
        "revision-put-a-trigger-on-a-core-table",
        revision(
            """
            sqlite = op.get_bind().dialect.name == "sqlite"
            function = "CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
            op.execute("SELECT 1" if sqlite else function)
            body = "BEGIN UPDATE store SET name = name; END" if sqlite else "EXECUTE FUNCTION same()"
            op.execute(f"CREATE TRIGGER tr_poser AFTER INSERT ON store FOR EACH ROW {body}")
            """
        ),
        databases=POSTGRESQL_FIRST,
        status=1,
        findings=codes("AR106"),
        says=("it added the trigger tr_poser",),
    ),
    Scenario(
        "models-and-revision-altered-a-core-table",
        (
            *module("Store.phone = sa.Column(sa.String(20))  # HERE AR105\n"),
            *revision("op.add_column('store', sa.Column('phone', sa.String(20)))"),
        ),
        databases=POSTGRESQL_FIRST,
        status=1,
        findings=codes("AR105", "AR106"),
        says=("aa00bb11cc22",),
    ),
    Scenario(
        "revision-dropped-a-core-table",
        revision("op.drop_table('event_log')"),
        databases=SQLITE_FIRST,
        status=1,
        changes=("blocked add_table event_log",),
        causes={"event_log": "poser"},
        findings=codes("AR101", "AR106"),
        says=("aa00bb11cc22",),
    ),
    Scenario(
        "revision-renamed-a-core-table",
        revision("op.rename_table('setting', 'old_setting')"),
        databases=(POSTGRESQL,),
        status=1,
        changes=("blocked add_table setting", "blocked remove_table old_setting"),
        findings=codes("AR101", "AR106"),
        causes={"setting": "poser", "old_setting": "poser"},
        says=("aa00bb11cc22",),
    ),
    # On SQLite a rename looks like a drop and a create, so nothing tells whose the new table is.
    Scenario(
        "revision-renamed-a-core-table-untold",
        revision("op.rename_table('setting', 'old_setting')"),
        status=1,
        changes=("blocked add_table setting", "blocked remove_table old_setting"),
        findings=codes("AR101", "AR103", "AR106"),
        causes={"old_setting": None},
        says=("aa00bb11cc22",),
    ),
    Scenario(
        "revision-changed-columns-and-dropped-items-of-core-tables",
        revision(
            """
            op.alter_column('store', 'name', nullable=True)
            op.alter_column('person', 'first_name', type_=sa.String(90))
            op.drop_index('ix_store_city', table_name='store')
            op.drop_constraint('uq_store_number', 'store')
            op.drop_constraint('fk_user_person_uuid', 'user')
            op.create_table_comment('setting', 'ours now')
            op.alter_column('store', 'number', comment='ours too')
            op.drop_column('product', 'upc')
            """
        ),
        databases=(POSTGRESQL,),
        status=1,
        changes=(
            "blocked modify_nullable store.name",
            "blocked modify_type person.first_name",
            "blocked add_index store.ix_store_city",
            "blocked add_constraint store.uq_store_number",
            "blocked add_fk user.fk_user_person_uuid",
            "blocked remove_table_comment setting",
            "blocked modify_comment store.number",
            "blocked add_column product.upc",
        ),
        causes={"store.name": "poser", "store.ix_store_city": "poser", "product.upc": "poser"},
        findings=codes("AR101", "AR106"),
        says=("aa00bb11cc22",),
    ),
    Scenario(
        "revision-changed-what-autogenerate-does-not-compare",
        revision("op.alter_column('store', 'state', server_default='closed')"),
        databases=(POSTGRESQL,),
        status=1,
        findings=codes("AR106"),
        says=("aa00bb11cc22",),
    ),
    # What the hint of AR106 asks for is also enough.
    Scenario(
        "revision-undid-what-an-earlier-one-did",
        (
            *revision("op.add_column('store', sa.Column('fax', sa.String(20)))"),
            *revision("op.drop_column('store', 'fax')", id="bb00cc11dd22", down="aa00bb11cc22"),
        ),
        databases=SQLITE_FIRST,
    ),
    Scenario(
        "revision-wrote-rows-of-a-core-table",
        revision("op.execute(\"INSERT INTO setting (name, value) VALUES ('a', 'b')\")"),
        databases=SQLITE_FIRST,
    ),
    Scenario(
        "server-default-of-the-core-in-place",
        module("Store.__table__.c.state.server_default = sa.DefaultClause('closed')  # HERE AR105\n"),
        status=1,
        findings=codes("AR105"),
    ),
    Scenario(
        "core-models-ahead-of-core-revisions",
        (
            Replace(
                f"{CORE_MODEL}/products.py",
                "    price =",
                "    weight = sa.Column(sa.Integer())  # HERE product.weight\n    price =",
            ),
            Replace(
                f"{CORE_MODEL}/people.py",
                "    person_uuid =",
                "    email = sa.Column(sa.String(80), unique=True)  # HERE user.email\n    person_uuid =",
            ),
            Replace(f"{CORE_MODEL}/people.py", "sa.String(25), nullable=False", "sa.String(60), nullable=False"),
            Replace(f"{CORE_MODEL}/logs.py", '\n\nevent_log = make_log_table(metadata, "event_log")', ""),
            Replace(f"{CORE_MODEL}/__init__.py", "import event_log, make_log_table", "import make_log_table"),
            Replace(f"{CORE_MODEL}/__init__.py", '    "event_log",\n', ""),
            *module(
                "sa.Table('poser_extra', metadata, sa.Column('id', sa.Integer(), primary_key=True))\n", name="later"
            ),
        ),
        databases=SQLITE_FIRST,
        changes=(
            "upstream add_column product.weight",
            "upstream add_column product_history.weight",
            "upstream add_column user.email",
            "upstream add_constraint user.uq_user_email",
            "upstream modify_type user.username",
            "upstream remove_table event_log",
            "safe add_table poser_extra",
        ),
        causes={"product.weight": "acme"},
    ),
    Scenario(
        "only-upstream-drift",
        (
            Append(
                f"{CORE_MODEL}/stores.py",
                "\nsa.Index('ix_store_number_name', Store.__table__.c.number, Store.__table__.c.name)\n",
            ),
        ),
        changes=("upstream add_index store.ix_store_number_name",),
    ),
)

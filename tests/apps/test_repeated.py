"""Two runs of the same project give the same report, whatever order Python's sets have."""

from __future__ import annotations

from pathlib import Path

import pytest

from .edits import module, revision
from .harness import POSTGRESQL, make_application, run_tool
from .scenario import review_of
from .test_revision import revise

# Alembic compares foreign keys in the order of a set, and SQLAlchemy keeps the constraints of a table in one.
KEYS = """
class PoserMany(Base):
    __tablename__ = "poser_many"
    uuid = uuid_column()
    one_uuid = uuid_fk_column("store.uuid")
    two_uuid = uuid_fk_column("product.uuid")
    three_uuid = uuid_fk_column("person.uuid")
    four_uuid = uuid_fk_column("user.uuid")
    a = sa.Column(sa.Integer, unique=True)
    b = sa.Column(sa.Integer, unique=True)
    __table_args__ = (sa.CheckConstraint("a > 0"), sa.CheckConstraint("b > 0"), sa.UniqueConstraint("a", "b"))

for name in ("a", "b", "c", "d"):
    key = sa.ForeignKey("person.uuid", name=f"fk_by_{name}")
    core.Product.__table__.append_column(sa.Column(f"by_{name}_uuid", sa.String(32), key, unique=True))
for key in list(core.Store.__table__.constraints):
    core.Store.__table__.constraints.discard(key)
"""


def test_the_order_of_sets_is_not_seen_in_a_report(tmp_path: Path) -> None:
    application = make_application(tmp_path, module(KEYS))
    reports = []
    for seed in ("1", "2"):
        report = dict(review_of(run_tool(application, variables={"PYTHONHASHSEED": seed})))
        del report["provenance"]
        reports.append(report)
    first, second = reports
    assert first == second
    assert [change["operation"] for change in first["changes"]] == sorted(
        change["operation"] for change in first["changes"]
    )
    assert len(first["suggestions"][0]["changes"]) > 4


# The hash of ``None``, a table's schema, is another one in each process before Python 3.12.
DROPPED = (
    "op.execute('CREATE TABLE poser_a (id integer PRIMARY KEY)')\n"
    "op.execute('CREATE TABLE poser_b (id integer PRIMARY KEY REFERENCES poser_a (id))')"
)


@pytest.mark.one_stack
def test_a_table_is_dropped_before_those_that_it_refers_to(tmp_path: Path) -> None:
    application = make_application(tmp_path, revision(DROPPED), database=POSTGRESQL)
    run = run_tool(application)
    assert "AR217" not in {finding["code"] for finding in review_of(run)["findings"]}, run.explain()
    ran = revise(application, "--dry-run")
    upgrade, _, downgrade = ran.stdout.partition("def downgrade()")
    assert 0 < upgrade.find("op.drop_table('poser_b')") < upgrade.find("op.drop_table('poser_a')"), ran.explain()
    assert 0 < downgrade.find("op.create_table('poser_a'") < downgrade.find("op.create_table('poser_b'"), ran.explain()

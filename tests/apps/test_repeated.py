"""Two runs of the same project give the same report, whatever order Python's sets have."""

from __future__ import annotations

from pathlib import Path

from .edits import module
from .harness import make_application, run_tool
from .scenario import review_of

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

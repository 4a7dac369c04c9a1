from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData
from sqlalchemy.orm import declarative_base, relationship

from alembic_review.worker.environment.mappers import configure_mappers


def mapped(name: str, *, broken: bool = False, metadata: MetaData | None = None) -> type:
    """A mapped class of a registry of its own; its relationship leads to a class that there is not."""
    base = declarative_base(metadata=metadata or MetaData())
    attributes = {"__tablename__": name, "id": Column(Integer, primary_key=True), "__module__": __name__}
    if broken:
        attributes["missing"] = relationship("Nowhere")
    return type(name.title(), (base,), attributes)


def configured(cls: type) -> bool:
    return bool(cls.__mapper__.configured)  # type: ignore[attr-defined]


def test_models_that_a_revision_declares_for_itself_are_left_alone() -> None:
    target, temporary = mapped("author"), mapped("draft", broken=True)
    assert configure_mappers([target.metadata]) == ()  # type: ignore[attr-defined]
    assert configured(target)
    assert not configured(temporary)


def test_a_failure_is_a_line_and_costs_no_other_registry() -> None:
    metadata = MetaData()
    broken, sound = mapped("one", broken=True, metadata=metadata), mapped("two", metadata=metadata)
    (line,) = configure_mappers([metadata])
    assert line.startswith("tables that an extension generates when mappers are configured, which failed (Invalid")
    assert "Nowhere" in line
    assert "\n" not in line
    assert configured(sound)
    assert not configured(broken)


def test_a_registry_that_maps_tables_of_another_metadata_is_configured() -> None:
    """SQLModel and imperative mappings: the tables are the target's, the registry's own MetaData is not."""
    metadata, base = MetaData(), declarative_base()
    made = type(
        "Book", (base,), {"__tablename__": "book", "metadata": metadata, "id": Column(Integer, primary_key=True)}
    )
    assert configure_mappers([metadata]) == ()
    assert configured(made)


def test_relationships_across_registries_are_followed() -> None:
    metadata = MetaData()
    other = mapped("shelf")
    base = declarative_base(metadata=metadata)
    key = Column(Integer, ForeignKey(other.__table__.c.id), primary_key=True)  # type: ignore[attr-defined]
    made = type("Volume", (base,), {"__tablename__": "volume", "id": key, "shelf": relationship(other)})
    assert configure_mappers([metadata]) == ()
    assert configured(made)
    assert configured(other)


@pytest.mark.parametrize("imported", ["", "import sqlalchemy.orm"])
def test_an_application_without_the_orm_does_not_get_it(imported: str) -> None:
    script = (
        f"import sys\n{imported}\nfrom sqlalchemy import MetaData\n"
        "from alembic_review.worker.environment.mappers import configure_mappers\n"
        "before = 'sqlalchemy.orm' in sys.modules\n"
        "assert configure_mappers([MetaData()]) == ()\n"
        "assert ('sqlalchemy.orm' in sys.modules) is before\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

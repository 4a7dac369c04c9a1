from __future__ import annotations

import subprocess
import sys

import pytest

from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.observe.scratch import open_scratch

URL = "postgresql://someone:s3cret@db.example:5433/any"


@pytest.mark.parametrize(
    ("dialect", "server", "name"),
    [
        ("postgresql", None, "PostgresScratch"),
        ("sqlite", None, "SqliteScratch"),
        ("postgresql", URL, "ServerScratch"),
        ("sqlite", URL, "SqliteScratch"),
    ],
)
def test_dialect_and_server_decide_the_way(dialect: str, server: str | None, name: str) -> None:
    assert type(open_scratch(dialect, server)).__name__ == name


def test_a_dialect_that_is_not_supported_is_named() -> None:
    with pytest.raises(ObservationError, match="'oracle' is not supported yet") as caught:
        open_scratch("oracle", None)
    assert "postgresql, sqlite" in caught.value.hint


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////tmp/s3cret.db", "SQLite has no server"),
        ("mysql://someone:s3cret@host/x", "'mysql', which is not supported yet"),
        ("someone:s3cret@host", "can't be read"),
        ("postgresql://someone:s3cret@host:s3cret/x", "can't be read"),
    ],
)
def test_a_server_that_is_none_is_wrong_usage(dialect: str, url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        open_scratch(dialect, url)
    assert "s3cret" not in caught.value.message + caught.value.hint


def test_the_usual_run_does_not_pay_for_sqlalchemy() -> None:
    program = (
        "import sys; from alembic_review.observe.scratch import open_scratch; "
        "open_scratch('postgresql', None); open_scratch('sqlite', None); print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

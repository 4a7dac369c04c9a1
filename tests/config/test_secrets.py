"""Where the settings of an application hold passwords."""

from __future__ import annotations

from pathlib import Path

from alembic_review.config.secrets import secrets
from alembic_review.model.settings import Environment, Settings


def test_every_source_is_read(tmp_path: Path) -> None:
    config, other = tmp_path / "alembic.ini", tmp_path / "other.ini"
    config.write_text("[alembic]\nsqlalchemy.url = postgresql://x:from-config@db/y\n")
    other.write_text("[alembic]\nsqlalchemy.url = postgresql://x:from-other@db/y\n")
    (tmp_path / ".env").write_text("DB_PASSWORD=from-dotenv\n")
    (tmp_path / "passfile").write_text("# a:b:c:d:comment\ndb:5432:*:x:from\\:passfile\n")
    (tmp_path / "services").write_text("[prod]\npassword=from-service\n")
    (tmp_path / "pg_service.conf").write_text("[prod]\npassword=from-system\n")
    (tmp_path / "secret").write_text("from-file\n")
    settings = Settings(
        config=config,
        root=tmp_path,
        env={"OWN_PASSWORD": "from-env-setting"},
        x=("url=postgresql://x:from-x@db/y",),
        server="postgresql://x:from-server@db/y",
        environments=(Environment("other", other),),
    )
    environ = {
        "PGPASSWORD": "from-PGPASSWORD",
        "DATABASE_URL": "postgresql://x:from-variable@db/y",
        "PGPASSFILE": str(tmp_path / "passfile"),
        "PGSERVICEFILE": str(tmp_path / "services"),
        "PGSYSCONFDIR": str(tmp_path),
        "PGPASS": "from-PGPASS",
        "DB_PASS": "from-DB_PASS",
        "DB_PW": "from-DB_PW",
        "DB_PASSWORD_PROD": "from-DB_PASSWORD_PROD",
        "PASSWORD2": "from-PASSWORD2",
        "AWS_SECRET_ACCESS_KEY": "from-AWS_SECRET_ACCESS_KEY",
        "DB_PASSWORD_FILE": str(tmp_path / "secret"),
        "NO_PASSWORD_FILE": str(tmp_path / "nothing"),
        "SETTINGS": '{"user": "me", "pass": "from-json"}',
        "PWD": "/home/me",
        "COMPASS": "from-nowhere",
        "BYPASS": "from-nowhere",
        "PASSWORD_HASHER": "from-nowhere",
        "PASSWORD_MIN_LENGTH": "from-nowhere",
        "AWS_ACCESS_KEY_ID": "from-nowhere",
        "TEXT": "the second pass: from-nowhere",
        "POSTGRES_USER": "library",
        "POSTGRES_PASSWORD": "library",
        "HOME": str(tmp_path / "nothing"),
    }
    names = ["config", "other", "dotenv", "service", "system", "env-setting", "x", "server", "PGPASSWORD", "variable"]
    names += ["PGPASS", "DB_PASS", "DB_PW", "DB_PASSWORD_PROD", "PASSWORD2", "AWS_SECRET_ACCESS_KEY", "file", "json"]
    assert set(filter(None, secrets(settings, environ))) == {"from:passfile", *(f"from-{name}" for name in names)}

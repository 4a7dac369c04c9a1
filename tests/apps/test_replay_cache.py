"""A review with what earlier reviews have kept is the same as without, whatever was edited in between."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from .edits import Append, Delete, Edit, Replace, Write
from .environments import make_environment
from .harness import NO_CACHE, Application, Run, comparable, differing, run_tool, run_without_proofs

pytestmark = pytest.mark.one_stack

_CONFIG = "alembic.ini"
_FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
    _CONFIG: """
        [alembic]
        script_location = %(here)s/migrations
        prepend_sys_path = %(here)s
        sqlalchemy.url = {url}
        column = from_config
        """,
    "shop/__init__.py": "",
    "shop/names.py": """
        from pathlib import Path

        COLUMN = "from_module"
        READ = Path(__file__).with_name("column.txt").read_text()
        """,
    "shop/column.txt": "from_import",
    "shop/base.py": """
        from sqlalchemy import MetaData
        from sqlalchemy.orm import declarative_base

        Base = declarative_base(metadata=MetaData(naming_convention={{"uq": "uq_%(table_name)s"}}))
        """,
    "shop/models.py": """
        from sqlalchemy import Column, Integer, UniqueConstraint

        import shop.names
        from shop.base import Base


        class Item(Base):
            __tablename__ = "item"
            __table_args__ = (UniqueConstraint("code"),)

            id = Column(Integer, primary_key=True)
            code = Column(Integer)
        """,
    "migrations/env.py": """
        from alembic import context
        from sqlalchemy import engine_from_config

        import shop.models
        from shop.base import Base

        engine = engine_from_config({{"sqlalchemy.url": context.config.get_main_option("sqlalchemy.url")}})
        with engine.connect() as connection:
            context.configure(connection=connection, target_metadata=Base.metadata)
            with context.begin_transaction():
                context.run_migrations()
        """,
    "migrations/versions/first.py": """
        import os
        from pathlib import Path

        import sqlalchemy as sa
        import tariff
        from alembic import context, op

        from shop import names

        revision = "first"
        down_revision = None


        def upgrade():
            found = Path(__file__).parents[2].joinpath("columns.txt").read_text().split()
            found += [names.COLUMN, names.READ, tariff.COLUMN, context.config.get_main_option("column")]
            found += [os.environ.get("SHOP_COLUMN", "from_default"), *context.get_x_argument()]
            op.create_table(
                "item",
                sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("code", sa.Integer),
                *(sa.Column(name, sa.Integer) for name in found),
                sa.UniqueConstraint("code"),
            )


        def downgrade():
            op.drop_table("item")
        """,
    "columns.txt": "from_file\n",
    "site:tariff.py": 'COLUMN = "from_package"\n',
    "site:tariff-1.dist-info/METADATA": "Metadata-Version: 2.4\nName: tariff\nVersion: 1\n",
}
_NEW_REVISION = """
    import sqlalchemy as sa
    from alembic import op

    revision = "second"
    down_revision = "first"


    def upgrade():
        op.add_column("item", sa.Column("from_second", sa.Integer))


    def downgrade():
        op.drop_column("item", "from_second")
    """
_EDITS: dict[str, tuple[list[Edit], str]] = {
    "a revision": ([Replace("migrations/versions/first.py", '"code", sa.Integer', '"code", sa.BigInteger')], "miss"),
    "a module that it imports": ([Replace("shop/names.py", "from_module", "from_another_module")], "miss"),
    "a file that it reads": ([Append("columns.txt", "and_another\n")], "miss"),
    "a file that the module reads": ([Write("shop/column.txt", "from_another_import")], "miss"),
    "a package": (
        [
            Replace("site:tariff.py", "from_package", "from_another_version"),
            Delete("site:tariff-1.dist-info/METADATA"),
            Write("site:tariff-2.dist-info/METADATA", "Metadata-Version: 2.4\nName: tariff\nVersion: 2\n"),
        ],
        "miss",
    ),
    "the config": ([Replace(_CONFIG, "column = from_config", "column = from_another_config")], "miss"),
    "the naming convention": ([Replace("shop/base.py", '"uq_%(table_name)s"', '"unique_%(table_name)s"')], "miss"),
    "env.py": (
        [
            Replace(
                "migrations/env.py",
                "with engine.",
                'context.config.set_main_option("column", "from_env_py")\n\nwith engine.',
            )
        ],
        "miss",
    ),
    "a new revision": ([Write("migrations/versions/second.py", _NEW_REVISION)], "miss"),
    "a model": ([Append("shop/models.py", "    price = Column(Integer)\n")], "hit"),
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no variable that leaves it alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.delenv(NO_CACHE)
    return folder / "alembic-review" / "replays"


def _application(folder: Path, url: str = "sqlite://") -> Application:
    made = Application(folder, folder / "project", make_environment(folder / "env"))
    for name, text in _FILES.items():
        Write(name, dedent(text).format(url=url) if "{" in text else text).apply(made.locate)
    return made


def _review(
    application: Application,
    *arguments: str,
    use: str,
    like: Run | None = None,
    tool: Callable[..., Run] = run_without_proofs,
    **variables: str,
) -> Run:
    """A review that uses the cache so, after it was found to be the same as one without.

    Where nothing was edited in between, that is what a review ``like`` it was compared with.
    """
    plain = like or tool(application, "--no-cache", *arguments, conf=_CONFIG, variables=variables)
    found = tool(application, *arguments, conf=_CONFIG, variables=variables)
    assert found.report is not None, found.explain()
    assert not list(differing(comparable(found.report), comparable(plain.report)))
    assert found.report["outcome"] != "failed", found.explain()
    assert found.report["provenance"]["cache"]["replay"] == use, found.report["provenance"]["cache"]
    return found


def _columns(run: Run) -> set[str]:
    assert run.report is not None
    return {change["name"] for change in run.report["changes"] if change["kind"] == "remove_column"}


def test_every_input_that_is_edited_counts(tmp_path: Path, cache: Path) -> None:
    """Revisions, what they import and read, packages, config, naming conventions and env.py; models do not."""
    application = _application(tmp_path)
    last = _review(application, use="hit", like=_review(application, use="miss"))
    assert _columns(last) == {"from_file", "from_module", "from_import", "from_package", "from_config", "from_default"}
    for edits, use in _EDITS.values():
        for edit in edits:
            edit.apply(application.locate)
        last = _review(application, use=use)
    found = {"from_file", "and_another", "from_another_module", "from_another_import", "from_another_version"}
    assert _columns(last) == {*found, "from_env_py", "from_default", "from_second"}
    assert list(cache.glob("*.json"))


def test_arguments_and_environment_variables_count(tmp_path: Path, cache: Path) -> None:
    """A variable only if the application reads it."""
    application = _application(tmp_path)
    one = _review(application, use="miss", SHOP_COLUMN="one")
    _review(application, use="hit", like=one, SHOP_COLUMN="one", OTHER="1")
    assert "two" in _columns(_review(application, use="miss", SHOP_COLUMN="two"))
    assert "one" in _columns(_review(application, use="hit", like=one, SHOP_COLUMN="one"))
    assert "three" in _columns(_review(application, "-x", "three", use="miss", SHOP_COLUMN="one"))
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}
    assert cache.stat().st_mode & 0o777 == 0o700


def test_postgresql(tmp_path: Path, cache: Path) -> None:
    """The server's data folder is kept; a damaged file, or one that is gone, is as good as none."""
    application = _application(tmp_path, "postgresql://nobody@nowhere.invalid/shop")
    _review(application, use="miss")
    Append("shop/models.py", "    price = Column(Integer)\n").apply(application.locate)
    last = _review(application, use="hit")
    (data,) = cache.glob("*.databases")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    _review(application, use="miss", like=last)
    _review(application, use="hit", tool=run_tool)
    for path in cache.glob("*.databases"):
        path.unlink()
    _review(application, use="miss", like=last)
    Replace("migrations/versions/first.py", '"code", sa.Integer', '"code", sa.BigInteger').apply(application.locate)
    _review(application, use="miss")


_REVISION = "migrations/versions/first.py"
_NOT_KEPT: dict[str, tuple[Edit, str]] = {
    "process": (
        Replace(_REVISION, "found = ", "import subprocess\n    subprocess.run(['true'])\n    found = "),
        "a revision reaches another process or the network",
    ),
    "create_all": (
        Replace(
            _REVISION,
            "found = ",
            "import shop.base as base\n    base.Base.metadata.create_all(op.get_bind())\n    op.drop_table('item')\n"
            "    found = ",
        ),
        "tables are created from the models",
    ),
    "statement": (
        Replace(
            "migrations/env.py",
            "    with context.begin",
            "    connection.exec_driver_sql('CREATE TABLE IF NOT EXISTS own (id INTEGER)')\n    with context.begin",
        ),
        "env.py changes the database outside of revisions",
    ),
    "import": (
        Replace(_REVISION, "found = ", "import csv, shop.lazy\n    found = "),
        "a revision imports shop.lazy while it runs",
    ),
    "file": (
        Replace(_REVISION, "found = ", "Path(os.environ['XDG_CACHE_HOME'], 'written').write_text('')\n    found = "),
        "a revision writes to written",
    ),
    "function": (
        Replace("migrations/env.py", "target_metadata=", "on_version_apply=lambda **_: None, target_metadata="),
        "env.py gives on_version_apply an object (function)",
    ),
}


@pytest.mark.parametrize(("edit", "reason"), _NOT_KEPT.values(), ids=_NOT_KEPT)
def test_what_is_not_kept(tmp_path: Path, cache: Path, edit: Edit, reason: str) -> None:
    """What can't be told for sure to be the same in the next run."""
    application = _application(tmp_path)
    Write("shop/lazy.py", "").apply(application.locate)
    edit.apply(application.locate)
    for _ in range(2):
        run = run_without_proofs(application, conf=_CONFIG)
        assert run.report is not None, run.explain()
        assert run.report["outcome"] != "failed", run.explain()
        use = run.report["provenance"]["cache"]
        assert use["replay"] == "miss"
        assert use["reason"] == f"not cached: {reason}"
    assert not list(cache.iterdir())


_DOWNGRADE = Replace(
    _REVISION,
    '    op.drop_table("item")\n',
    '    if Path(__file__).parents[2].joinpath("downgrade.txt").read_text() == "drop":\n'
    '        op.drop_table("item")\n',
)


def _tried(application: Application, *arguments: str, trials: str, compared: bool = True) -> list[str]:
    """What a review says about downgrades, which come from the cache or do not, after a comparison without it.

    Where nothing was edited in between, the review before was compared.
    """
    run = run_without_proofs(application, *arguments, conf=_CONFIG)
    assert run.report is not None, run.explain()
    assert run.report["outcome"] != "failed", run.explain()
    assert run.report["provenance"]["cache"]["trials"] == trials, run.report["provenance"]["cache"]
    if compared and ("--full" in arguments or trials == "hit"):
        plain = run_without_proofs(application, "--no-cache", "--full", conf=_CONFIG)
        assert not list(differing(comparable(run.report), comparable(plain.report)))
    found = [one["code"] for one in run.report["findings"] if one["code"] == "AR514"]
    return found + [line for line in run.report["provenance"]["not_checked"] if "downgrade" in line]


@pytest.mark.parametrize(
    "url", ["sqlite://", pytest.param("postgresql://nobody@nowhere.invalid/shop", marks=pytest.mark.large)]
)
def test_trials_of_revisions_are_not_repeated(tmp_path: Path, cache: Path, url: str) -> None:
    """They are kept with the replay, and depend on what a downgrade reads as well."""
    application = _application(tmp_path, url)
    Write("downgrade.txt", "nothing").apply(application.locate)
    _DOWNGRADE.apply(application.locate)
    not_tried = ["the downgrade of revision first (tried only with --full)"]
    assert _tried(application, trials="miss") == not_tried
    assert _tried(application, "--full", trials="miss") == ["AR514"]
    assert _tried(application, trials="hit", compared=False) == ["AR514"]
    Append("shop/models.py", "    price = Column(Integer)\n").apply(application.locate)
    assert _tried(application, "--full", trials="hit") == ["AR514"]
    Write("downgrade.txt", "drop").apply(application.locate)
    assert _tried(application, trials="miss") == not_tried
    assert _tried(application, "--full", trials="miss") == []
    assert _tried(application, trials="hit", compared=False) == []
    Append(_REVISION, "\n").apply(application.locate)
    assert _tried(application, "--full", trials="miss") == []
    assert _tried(application, trials="hit", compared=False) == []
    assert len(list(cache.glob("*.json"))) == 2


@pytest.mark.parametrize(
    "edit",
    [
        Replace(
            _REVISION, "    op.drop_table(", "    import subprocess\n    subprocess.run(['true'])\n    op.drop_table("
        ),
        Replace(_REVISION, "    op.drop_table(", "    os.environ.get('SHOP_DOWNGRADE')\n    op.drop_table("),
        Replace(_REVISION, "    op.drop_table(", "    import csv, shop.lazy\n    op.drop_table("),
        Replace(
            "migrations/env.py",
            "    context.configure(",
            "    if hasattr(context.config.cmd_opts, 'revision') and context.config.cmd_opts.revision == '-1':\n"
            "        connection.exec_driver_sql('SELECT 1')\n    context.configure(",
        ),
    ],
    ids=["process", "variable", "import", "statement"],
)
def test_trials_that_are_not_kept(tmp_path: Path, cache: Path, edit: Edit) -> None:
    """What they depend on can't be told for sure to be the same in the next run."""
    application = _application(tmp_path)
    Write("shop/lazy.py", "").apply(application.locate)
    edit.apply(application.locate)
    assert _tried(application, "--full", trials="miss") == []
    assert _tried(application, "--full", trials="miss", compared=False) == []
    assert len(list(cache.glob("*.json"))) == 1


def test_settings_that_switch_it_off(tmp_path: Path, cache: Path) -> None:
    """The environment variable, too."""
    application = _application(tmp_path)
    Append("pyproject.toml", "[tool.alembic-review]\ncache = false\n").apply(application.locate)
    run = run_tool(application, conf=_CONFIG)
    assert run.report is not None
    assert run.report["provenance"]["cache"] == {
        "replay": "off",
        "reason": "turned off with --no-cache or `cache = false`",
        "trials": "off",
    }
    assert not cache.exists()
    assert os.environ.get(NO_CACHE) is None

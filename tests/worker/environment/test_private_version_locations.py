"""Private folders of revisions, in place of or beside those that the application names."""

from __future__ import annotations

from pathlib import Path

from alembic_review.worker.environment.private_version_locations import Folders


def test_a_folder_beside_another_is_read_after_it_and_stands_for_it(tmp_path: Path) -> None:
    named, other, private = (str(tmp_path / name) for name in ("named", "other", "private"))
    folders = Folders(beside={named: private})
    assert folders.locations([named, other]) == [named, private, other]
    assert folders.original(f"{private}/2026/a.py") == f"{named}/2026/a.py"
    assert folders.original(private) == named
    assert folders.original(f"{other}/a.py") == f"{other}/a.py"
    assert folders.original(f"{private}er/a.py") == f"{private}er/a.py"


def test_a_folder_instead_of_another_hides_it_also_behind_a_link(tmp_path: Path) -> None:
    named, private, link = tmp_path / "named", tmp_path / "private", tmp_path / "link"
    named.mkdir()
    link.symlink_to(named)
    folders = Folders(instead={str(named): str(private)})
    assert folders.locations([str(link)]) == [str(private)]
    assert folders.original(f"{private}/a.py") == f"{named}/a.py"

"""``alembic-review revision``: writes a revision of the safe changes, or moves the new revisions of a pull request."""

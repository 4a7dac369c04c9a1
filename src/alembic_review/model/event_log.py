"""Names that the scratch server's event triggers and their reader in the worker have in common."""

LOG = "alembic_review.touched"
"""The parameter of a session in which the triggers note what statements touch; nothing is noted while it is empty.

Its first word is the reader's own. The others are object identifiers of tables, ``i`` and that of a dropped index,
``TYPES``, ``OTHERS`` or, as the last one, ``EVERYTHING``.
"""

TYPES, OTHERS, EVERYTHING = "types", "others", "*"

ON_END, ON_DROP = "alembic_review_on_end", "alembic_review_on_drop"
"""The triggers, for the events ``ddl_command_end`` and ``sql_drop``."""

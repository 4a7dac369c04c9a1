"""AR6xx: what the comparison of Alembic does not see."""

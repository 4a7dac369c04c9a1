"""Alembic's comparison of the scratch database with the models, as facts."""

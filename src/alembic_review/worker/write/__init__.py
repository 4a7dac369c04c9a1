"""Revision files, as ``alembic revision --autogenerate`` writes them."""

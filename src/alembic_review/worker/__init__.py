"""Runs inside the application's own interpreter: standard library, alembic and sqlalchemy only, Python 3.10 and up."""

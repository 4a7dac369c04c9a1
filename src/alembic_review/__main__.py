"""``python -m alembic_review``."""

from alembic_review.cli import main

if __name__ == "__main__":
    main()

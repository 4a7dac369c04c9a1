"""AR3xx: renames, and code of the base on the new schema."""

"""The rows that a proof applies a plan to, and what becomes of their values."""

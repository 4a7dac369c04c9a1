"""AR7xx: locks and transactions."""

"""AR1xx: ownership."""

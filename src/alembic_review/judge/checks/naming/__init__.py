"""AR4xx: naming."""

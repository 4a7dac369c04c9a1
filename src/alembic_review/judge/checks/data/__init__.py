"""AR2xx: data."""

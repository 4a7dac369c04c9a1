"""AR2xx: data that a change loses, and rows on which it fails."""

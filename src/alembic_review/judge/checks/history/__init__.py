"""AR5xx: revisions and their order."""

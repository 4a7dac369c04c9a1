"""AR9xx: the run itself."""

"""Findings and blocked changes that the settings, or comments in the source, accept."""

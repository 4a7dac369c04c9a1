"""Passwords: which are known, and how they are kept out of reports, messages and the environment."""

"""Runs the application's own env.py, with what it needs around it."""

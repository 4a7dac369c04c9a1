"""Replays that are kept for later reviews: the migrated databases, and what was noted while the revisions ran.

A replay depends on what ``slots`` puts into its key, on the files and variables that the worker noted, which are
compared before a server is started, and on what env.py sets up, which the worker compares before it uses the database.
"""

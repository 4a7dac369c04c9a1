"""Frozen data that passes between the rooms: standard library only, Python 3.10 and up."""

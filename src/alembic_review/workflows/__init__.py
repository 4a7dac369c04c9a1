"""One file per command, to be read from top to bottom; the other files are shared by several commands.

A command reads Git first, then observes the application, then judges the facts. Each of these happens once.
"""

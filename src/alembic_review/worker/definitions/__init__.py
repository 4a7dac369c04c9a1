"""Where the code defines, changes or generates tables: files and lines."""

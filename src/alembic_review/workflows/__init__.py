"""One file per command, to be read from top to bottom: Git, then the application is observed, then judged."""

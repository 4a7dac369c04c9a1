"""Old models on the new schema: the code of the base commit, which still runs during a rolling deployment.

A worker of its own runs the base's env.py from an archive of the base, on copies of the databases without and with the
new revisions:

* ``archive``: the archive comes first on ``sys.path``, and every module of the project must come from it,
* ``statements``: a SELECT and INSERTs for each mapped class, or for each table without one,
* ``trial``: which of them the old schema takes and the new one does not,
* ``session``: the runs of env.py.
"""

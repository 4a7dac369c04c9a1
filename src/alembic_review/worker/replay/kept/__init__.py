"""What a replay depends on, and its results as plain data, so that a later review may use them instead of repeating it.

The parent keeps them (``observe/replay_cache``). Whatever can't be told for sure makes a replay one that is not kept.
"""

"""From a change and the ownership of its table to verdict, cause and reason."""

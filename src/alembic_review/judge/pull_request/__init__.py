"""The changes made by the new revisions of a pull request."""

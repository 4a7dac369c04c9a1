"""Reads the checkout with Git: neither its working tree nor its index is touched."""

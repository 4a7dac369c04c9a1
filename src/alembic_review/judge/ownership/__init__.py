"""From the evidence to the owner and role of each table."""

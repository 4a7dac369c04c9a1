"""AR6xx: changes that the comparison does not detect."""

"""Every connection goes to the scratch database or is refused."""

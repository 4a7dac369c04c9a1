"""``upgrade heads`` on the scratch database, and what each revision does, also when it is downgraded."""

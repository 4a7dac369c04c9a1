"""AR8xx: downgrades that do not reverse their upgrade."""

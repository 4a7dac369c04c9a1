"""What proofs observed, judged."""

"""What the tool promises, tried in many ways: one file per class, one parameter per way. See docs/trust.md."""

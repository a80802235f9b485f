"""What was predicted: the log of a service as tables, scored again, and compared."""

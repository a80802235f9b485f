"""Train a model anew when it is due: decided by policies, done step by step."""

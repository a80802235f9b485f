"""Train a model anew when it is due, step by step: each has files in and files out."""

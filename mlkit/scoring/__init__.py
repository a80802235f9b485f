"""The scoring side: a record in, a prediction out. Needs no extra, imports no training."""

"""Judge a model: metrics, intervals, slices, gates, and what they are found from."""

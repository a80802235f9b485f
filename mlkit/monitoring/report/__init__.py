"""Tell what was found of a model in use: to people, to programs, to Prometheus."""

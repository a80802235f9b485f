"""Put bundles behind HTTP: one process, or several that share a port."""

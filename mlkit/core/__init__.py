"""What both sides of the fence share: the schema, the bundle, logs and errors."""

"""The team's standards: rules that general linters do not know, a code each."""

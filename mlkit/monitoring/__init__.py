"""Watch a model that is in use: its data, what it says, and what that is worth."""

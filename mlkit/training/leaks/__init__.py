"""Look for what tells a model an answer that it will not have, and name it."""

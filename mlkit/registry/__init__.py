"""Keep what was trained: runs, versions, who was champion, and how to build it again."""

"""Say how a project fares: what is outdated, and what of the ML Test Score is automated.

Looked at are the project's files; its code runs only where that is asked for.
"""

"""Programs: small `transform`s out of the operations that compile, as Python source.

Every program is drawn from a seed: a few statements, each an operation on columns
or on what earlier statements made, typed so that pandas can run it.
"""

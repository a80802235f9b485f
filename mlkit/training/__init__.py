"""The training side: pandas and scikit-learn, from a raw frame to a bundle."""

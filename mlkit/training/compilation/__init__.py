"""Turn pandas code and a fitted estimator into one function that needs neither."""

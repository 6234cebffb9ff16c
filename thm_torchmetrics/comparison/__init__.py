"""Results of several models side by side: intervals, paired tests, correlations, votes."""

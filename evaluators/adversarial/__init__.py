"""Attacks on what answers: families with benign twins, suites of others, runs, and what got through net of the twin."""

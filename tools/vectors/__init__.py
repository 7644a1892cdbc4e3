"""The golden vectors of the oracle, computed with mpmath: one module for each group of capabilities."""

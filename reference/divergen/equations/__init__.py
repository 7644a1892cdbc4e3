"""The sources in code: one module per document, every numbered item as the shortest function that says it.

Slow on purpose, and without numerics: no blocks, no care about cancellation, all pairs in memory. What the rest of the
package computes is held against these functions by the tests, and they can be differentiated by autograd.
"""

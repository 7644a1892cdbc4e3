"""The commands of ``python -m divergen``, one module each."""

"""Part II: drawing well from what is there."""

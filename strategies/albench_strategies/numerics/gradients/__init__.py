"""Gradients of single examples by all weights, as the factors of which each layer's is made."""

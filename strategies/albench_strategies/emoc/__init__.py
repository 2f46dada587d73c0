"""EMOC: expected model output change for deep networks (Kaeding et al. 2016)."""

"""Networks that come with the harness."""

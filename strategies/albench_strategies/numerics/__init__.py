"""What strategies compute with: distances and clusters, gradients."""

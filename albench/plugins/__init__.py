"""From entry points, files and objects to configured components."""

"""What is asked for: settings, strategies and seeds, read from presets, files and options."""

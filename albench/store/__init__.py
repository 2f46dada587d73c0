"""Results on disk: plain files, each whole or absent."""

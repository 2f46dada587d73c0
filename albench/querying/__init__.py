"""What to label next of data of one's own: one query outside of any study."""

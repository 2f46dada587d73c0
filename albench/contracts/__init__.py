"""The classes that a plugin author subclasses, and what their methods are given."""

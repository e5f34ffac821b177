"""The memory that activities take of those that their process has."""

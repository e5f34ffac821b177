"""Reading a chunk: its rows as a table of texts, its columns as numbers or dates, its filters."""

"""The finished report as files: JSON, CSV, Parquet, pictures, and a page of HTML."""

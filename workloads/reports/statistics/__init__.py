"""What is known of rows by group: exact sums, quantiles and distinct counts, which all merge."""

"""Who may call what: access keys, and the levels they give."""

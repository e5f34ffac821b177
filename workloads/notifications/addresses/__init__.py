"""The forms in which addresses are sent to and compared: mail, domains, phone numbers, URLs."""

"""What moves orchestrations and entities on."""

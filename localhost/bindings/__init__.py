"""What functions read and write by bindings beside their triggers."""

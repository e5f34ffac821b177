"""Activities that run the steps of sagas."""

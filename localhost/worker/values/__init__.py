"""What bindings carry, as the app is given it and as it gives it back."""

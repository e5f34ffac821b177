"""What the app can find wrong with its own installation: each module looks at one side of it."""

"""What files of single formats say, and Pillow passes over or reads otherwise."""

"""Stories through the doors; a package, so that the city that they share ends with them."""

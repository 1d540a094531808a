"""One module for each web framework; import the one that the service uses."""

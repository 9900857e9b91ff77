"""What the machine and the data set are."""

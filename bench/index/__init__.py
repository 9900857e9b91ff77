"""What searching the full archive costs: exact search and approximate indexes, measured on a trial's own descriptors."""

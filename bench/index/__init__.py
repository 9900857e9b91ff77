"""What searching the full archive costs: exact search and approximate indexes on a trial's own descriptors."""

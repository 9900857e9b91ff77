"""Search and scores. Importing this package loads neither torch nor faiss."""

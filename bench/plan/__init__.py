"""Which trials to run, and what each may cost."""

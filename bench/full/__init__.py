"""The full training that a benchmark leads to: many epochs, checkpoints, one or several devices, files to keep."""

"""Pairs of Sentinel-1 and Sentinel-2 images, whatever they are stored in."""

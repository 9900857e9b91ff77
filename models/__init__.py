"""What can be trained: the four cross-sensor masked autoencoders and their uni-modal baseline."""

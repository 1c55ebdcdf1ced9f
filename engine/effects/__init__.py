"""Effects without a style: colour quantization, superpixels and saliency of single pictures."""

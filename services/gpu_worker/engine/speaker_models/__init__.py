"""How the two models that tell speakers apart are made: from a pinned package on, to files of the ONNX format."""

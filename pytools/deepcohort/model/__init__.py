"""ExampleBatch -> genotype probabilities; training. The only room that imports torch or onnxruntime."""

"""A folder of static files that paints in the visitor's browser: page, model, styles and onnxruntime-web."""

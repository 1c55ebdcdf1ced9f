"""Exports a folder of static files that paints in the browser: page, model, styles and onnxruntime-web."""

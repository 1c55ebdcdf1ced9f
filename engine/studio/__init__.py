"""The studio: a web page to paint photographs, videos and camera pictures without commands."""

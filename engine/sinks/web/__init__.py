"""The web page: live picture, controls and statistics in a browser, and the JSON interface behind it."""

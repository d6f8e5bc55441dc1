"""The web server: the API, the console, and the streams that both read. HTTP in, HTTP out; no handler holds a rule."""

"""The console: web pages for reviewers, operators and hospital staff, rendered on the server."""

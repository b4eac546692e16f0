"""The command line: arguments in, text out; each command is a few lines over client or server."""

"""Documents → sections → index → ranked passages."""

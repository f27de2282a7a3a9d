"""Passages → an answer whose every sentence leads to a verbatim quote."""

"""The web app: the page, its charts, and the routes beside it."""

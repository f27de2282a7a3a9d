"""Message → reading: what the user does, and which answers the message holds."""

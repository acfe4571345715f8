"""What a client of a live session may send; a server's command imports it, and nothing else of live sessions."""

# The longest text, every character of it escaped, and the rest of a message.
MAX_MESSAGE_BYTES = 256 * 1024

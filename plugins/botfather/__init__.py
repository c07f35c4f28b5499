"""botfather: a client of the Telegram Bot API, one command for each thing that a bot does every day."""

__version__ = "1.0.0"

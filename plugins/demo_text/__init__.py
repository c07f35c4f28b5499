"""demo_text: echo, word counts, slugs and hash previews, as a small example of an argparse program."""

__version__ = "1.0.0"

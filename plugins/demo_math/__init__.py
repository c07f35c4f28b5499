"""demo_math: arithmetic, byte sizes and coin flips, as a small example of an argparse program."""

__version__ = "1.0.0"

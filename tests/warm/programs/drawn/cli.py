"""Draws what has to be another each time."""
import random
import secrets
import tempfile
import uuid

import seeded

print(random.random(), seeded.draw(), secrets.token_hex(8), uuid.uuid4(), tempfile.mktemp())

"""Has modules that are named as some of Python's."""
import json
import select
import selectors
import shutil

import secrets
import random

print(json.dumps(1), select.here, selectors.here, shutil.here, secrets.here, random.here)

import os

seen = os.environ.get("ORDER_SEEN")

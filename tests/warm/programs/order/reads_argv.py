import sys

seen = list(sys.argv)

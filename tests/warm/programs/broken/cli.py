import argparse
parser = argparse.ArgumentParser(
print("never")

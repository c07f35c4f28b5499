"""PLUGIN_NAME: a plugin of smcp; the program is cli.py."""

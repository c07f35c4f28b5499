"""Loads the passenger, `smcp_describe` beside this file, and gives way to the `sitecustomize` that this one shadows.

A program is asked for many pages, and the passenger takes longer to compile than to do its work. So Python keeps it compiled in
this private directory, whatever else it is told of compiled files, and knows itself when it is another Python.
"""
import sys


def _board():
    keeps, prefix = not sys.dont_write_bytecode, getattr(sys, "pycache_prefix", None)
    sys.dont_write_bytecode = False
    if prefix is not None:
        sys.pycache_prefix = None
    try:
        import smcp_describe  # noqa: F401
    except Exception:
        pass
    sys.modules.pop("smcp_describe", None)
    sys.dont_write_bytecode = not keeps
    if prefix is not None:
        sys.pycache_prefix = prefix


_board()
# Where there is no other `sitecustomize`, the ImportError is the one that `site` expects and passes over.
sys.modules.pop("sitecustomize", None)
import sitecustomize  # noqa: E402,F401

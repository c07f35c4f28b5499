"""devops: look at this Linux machine, and deploy directories from git with instant rollback."""

__version__ = "1.0.0"

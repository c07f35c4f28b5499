__all__ = ["listed"]
listed, hidden = 1, 2

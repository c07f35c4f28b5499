import mine

calls = len(mine.calls)

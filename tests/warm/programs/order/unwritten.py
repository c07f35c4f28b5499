name = "unwritten"

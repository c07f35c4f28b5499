name = "middle"

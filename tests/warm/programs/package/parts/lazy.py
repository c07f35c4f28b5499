name = "lazy"

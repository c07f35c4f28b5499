here = 'its own secrets'

here = 'its own random'

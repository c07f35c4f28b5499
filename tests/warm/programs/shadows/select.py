here = 'its own select'

here = 'its own selectors'

here = "its own shutil"


def get_terminal_size(*_):
    raise NotImplementedError

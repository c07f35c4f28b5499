"""Unpack the tar file of a git tree into an empty directory, trusting nothing in it."""

import os
import posixpath
import shutil
import tarfile

from errors import DevopsError

# Far above any directory that is deployed; a crafted archive stops here.
MAX_MEMBERS = 500000
COPY_BYTES = 1024 * 1024


def unpack(archive, target, place, root):
    """Unpack the archive into `target`, which will later stand at `place` below `root`.

    Returns (number of files, bytes). Links are made last, so that nothing is ever written through one, and may
    not leave `root`.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            members = checked(tar, target)
            for member in members:
                write(tar, member, inside(target, member))
    except tarfile.TarError as error:
        raise DevopsError(f"git's archive cannot be read: {error}") from error
    # The deepest first: where a name is both a link and a directory, the link then fails.
    links = sorted(filter(tarfile.TarInfo.issym, members), key=lambda link: -link.name.count("/"))
    for link in links:
        check_link(link, place, root)
        os.makedirs(os.path.dirname(inside(target, link)), exist_ok=True)
        os.symlink(link.linkname, inside(target, link))
    return sum(not member.isdir() for member in members), sum(member.size for member in members)


def inside(target, member):
    """Where a member is unpacked to."""
    return os.path.join(target, *member.name.split("/"))


def checked(tar, target):
    """The archive's members, or an error for one that does not belong into a git tree, or where space is short."""
    members = []
    for member in tar:
        parts = member.name.split("/")
        if not all(parts) or ".." in parts or not (member.isreg() or member.isdir() or member.issym()):
            raise DevopsError(f"the repository holds '{member.name}', which cannot be deployed safely")
        members.append(member)
        if len(members) > MAX_MEMBERS:
            raise DevopsError(f"the repository holds more than {MAX_MEMBERS} files; deploy a part of it with --subdir")
    needed, free = sum(member.size for member in members), shutil.disk_usage(target).free
    if needed > free:
        raise DevopsError(f"the release needs {needed} bytes, but only {free} are free; make room or lower --keep")
    return members


def write(tar, member, path):
    """Make a directory, or a file that does not exist yet, with its member's times and permissions; skip links."""
    if member.isdir():
        os.makedirs(path, exist_ok=True)
    if not member.isreg():
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tar.extractfile(member) as source, open(path, "xb") as copy:
        shutil.copyfileobj(source, copy, COPY_BYTES)
    os.chmod(path, member.mode & 0o755)
    os.utime(path, (member.mtime, member.mtime))


def check_link(member, place, root):
    """Refuse a link that leaves the root: an absolute one, or one with '..' anywhere but at its beginning.

    After another name '..' may lead elsewhere than it seems to, since that name may be a link itself.
    """
    target = member.linkname
    climbing = [part == ".." for part in target.split("/")]
    where = posixpath.normpath(posixpath.join(place, posixpath.dirname(member.name), target))
    outside = posixpath.commonpath([root, where]) != root
    if target.startswith("/") or outside or climbing != sorted(climbing, reverse=True):
        raise DevopsError(f"the link '{member.name}' leads to '{target}', outside of --root; replace it in the repository")

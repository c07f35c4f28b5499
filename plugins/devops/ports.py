"""Listening sockets and the processes that hold them, read from /proc."""

import ipaddress
import os
import pathlib
import re
import struct

import host
from errors import check_range

# State of a socket in /proc/net: 0A is a listening TCP socket, 07 an UDP socket without a peer.
TABLES = {"tcp": ("0A", ("tcp", "tcp6")), "udp": ("07", ("udp", "udp6"))}
SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")


def ports(protocol, port):
    """Listening sockets of one protocol or of all, of one port or of all."""
    check_range("--port", port, 1, 65535)
    protocols = list(TABLES) if protocol == "all" else [protocol]
    found = [entry for name in protocols for entry in listening(name) if port in (None, entry["port"])]
    holders = socket_holders({entry["inode"] for entry in found})
    for entry in found:
        pids = holders.get(entry.pop("inode"), [])
        entry.update(pid=pids[0] if pids else None, pids=pids, process=process_name(pids))
    found.sort(key=lambda entry: (entry["port"], entry["protocol"], entry["address"]))
    hidden = sum(1 for entry in found if not entry["pids"])
    return {"count": len(found), "without_visible_process": hidden, "ports": found}


def listening(protocol):
    """The listening sockets in the kernel's tables of one protocol, IPv4 and IPv6."""
    state, tables = TABLES[protocol]
    for table in tables:
        for line in host.read_lines(pathlib.Path("/proc/net") / table)[1:]:
            fields = line.split()
            if fields[3] == state:
                address, port = decode(fields[1])
                yield {
                    "protocol": protocol,
                    "address": address,
                    "port": port,
                    "user": host.user_name(int(fields[7])),
                    "inode": fields[9],
                }


def decode(text):
    """ADDRESS:PORT as the kernel writes it: 32-bit words in the machine's byte order, in hexadecimal."""
    words, _, port = text.partition(":")
    numbers = [int(words[index : index + 8], 16) for index in range(0, len(words), 8)]
    packed = struct.pack(f"={len(numbers)}I", *numbers)
    return str(ipaddress.ip_address(packed)), int(port, 16)


def socket_holders(inodes):
    """{inode: process numbers, ascending}, for the processes whose open files this user may see."""
    holders = {}
    for pid in host.process_ids():
        for inode in open_sockets(pid) & inodes:
            holders.setdefault(inode, []).append(pid)
    return holders


def open_sockets(pid):
    """The inodes of a process's open sockets; none where they are not ours to see, or it is gone."""
    found = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                match = SOCKET_LINK.fullmatch(read_link(entry.path))
                if match:
                    found.add(match.group(1))
    except OSError:
        pass
    return found


def read_link(path):
    """What a link points to; empty where it was closed meanwhile."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def process_name(pids):
    """The name of the first process; None where there is none or it is gone."""
    stat = host.read_stat(pids[0]) if pids else None
    return stat[0] if stat else None

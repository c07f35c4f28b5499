#!/usr/bin/env python3
"""Look at this Linux machine, and deploy directories from git with instant rollback.

Every command prints one JSON object. On failure the object is {"error": "..."} and the exit status is 1.
"""

import argparse
import json
import sys

import host
import logs
import ports
import releases
import services
from errors import DevopsError

VERSION = "1.0.0"

DEPLOY_EPILOG = """\
The root directory then holds releases/NUMBER-HASH for each release, the link `current` to the one in use, and the
history in releases.json. Files under .gitattributes' export-ignore are left out; submodules and large-file contents
are not fetched. A failure before the switch leaves `current` as it was. Progress goes to standard error.
"""


def build_parser():
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="devops",
        description="Look at this Linux machine, and deploy directories from git. Every command prints one JSON object.",
        epilog='Sizes are in bytes, times in UTC. On failure the object is {"error": "..."} and the exit status is 1.',
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    add_host_commands(commands)
    add_processes(commands)
    add_network_and_services(commands)
    add_tail(commands)
    add_deploy(commands)
    add_release_commands(commands)
    return parser


def add_host_commands(commands):
    """Declare `disk` and `memory`."""
    parser = commands.add_parser(
        "disk",
        help="size and use of file systems",
        description="Size and use of the file systems that hold the given paths, or of all that are mounted.",
    )
    parser.add_argument("paths", nargs="*", help="files or directories to look at (default: all mounted file systems)")
    parser.add_argument(
        "--above",
        type=int,
        default=0,
        metavar="PERCENT",
        help="only file systems that are at least so full, 0 to 100 (default: %(default)s)",
    )
    parser.add_argument("--all", action="store_true", help="also file systems without a size, such as /proc")
    parser.set_defaults(run=lambda args: host.disk(args.paths, args.above, args.all))

    parser = commands.add_parser(
        "memory", help="memory, swap and load", description="Memory and swap in bytes, load averages, and memory limit."
    )
    parser.set_defaults(run=lambda args: host.memory())


def add_processes(commands):
    """Declare `processes`."""
    parser = commands.add_parser(
        "processes", help="what runs", description="The machine's processes, those that use most first."
    )
    parser.add_argument(
        "--sort", choices=sorted(host.SORT_KEYS), default="cpu", help="order; age shows the oldest first (default: %(default)s)"
    )
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="show at most so many, 1 to 1000 (default: %(default)s)"
    )
    parser.add_argument("--filter", metavar="TEXT", help="only those with this text in name or command, in any case")
    parser.add_argument("--user", metavar="NAME", help="only those of this user")
    parser.add_argument(
        "--sample",
        type=float,
        default=0.2,
        metavar="SECONDS",
        help="measure processor use over this time; 0 shows the average of each process's life (default: %(default)s)",
    )
    parser.add_argument(
        "--width", type=int, default=200, metavar="CHARS", help="cut longer command lines, 1 to 10000 (default: %(default)s)"
    )
    parser.set_defaults(
        run=lambda args: host.processes(
            sort=args.sort, limit=args.limit, text=args.filter, user=args.user, sample=args.sample, width=args.width
        )
    )


def add_network_and_services(commands):
    """Declare `ports` and `service-status`."""
    parser = commands.add_parser(
        "ports",
        help="listening ports and who holds them",
        description="Listening TCP and UDP ports and the processes that hold them, as far as this user may see them.",
    )
    parser.add_argument("--protocol", choices=["tcp", "udp", "all"], default="all", help="which (default: %(default)s)")
    parser.add_argument("--port", type=int, help="only this port, 1 to 65535")
    parser.set_defaults(run=lambda args: ports.ports(args.protocol, args.port))

    parser = commands.add_parser(
        "service-status",
        help="whether a service runs",
        description="The state of a service, from systemd where it runs this machine, otherwise from /etc/init.d.",
    )
    parser.add_argument("service", help="name of the service, such as nginx or postgresql.service")
    parser.set_defaults(run=lambda args: services.service_status(args.service))


def add_tail(commands):
    """Declare `tail`."""
    parser = commands.add_parser(
        "tail",
        help="the last lines of a log file",
        description="The last lines of a file, or of those of its lines that match a regular expression.",
    )
    parser.add_argument("path", help="the file, best as an absolute path")
    parser.add_argument(
        "-n", "--lines", type=int, default=50, metavar="N", help="at most so many lines, 1 to 10000 (default: %(default)s)"
    )
    parser.add_argument(
        "--max-bytes",
        type=int,
        default=1024 * 1024,
        metavar="BYTES",
        help="look only at the last so many bytes, up to 16 MiB (default: %(default)s)",
    )
    parser.add_argument("--grep", metavar="REGEX", help="only lines that match this Python regular expression")
    parser.add_argument("-i", "--ignore-case", action="store_true", help="let --grep match in any case")
    parser.add_argument("-v", "--invert", action="store_true", help="only lines that --grep does not match")
    parser.set_defaults(
        run=lambda args: logs.tail(
            args.path,
            lines=args.lines,
            max_bytes=args.max_bytes,
            pattern=args.grep,
            ignore_case=args.ignore_case,
            invert=args.invert,
        )
    )


def add_deploy(commands):
    """Declare `deploy`."""
    parser = commands.add_parser(
        "deploy",
        help="deploy a directory from git",
        description="Put a commit of a git repository in place as a new release, and switch to it at once.",
        epilog=DEPLOY_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_root(parser)
    parser.add_argument("--repo", required=True, metavar="PATH_OR_URL", help="the repository: a directory or an address")
    parser.add_argument("--ref", default="HEAD", help="branch, tag or commit to deploy (default: %(default)s)")
    parser.add_argument("--subdir", metavar="PATH", help="deploy only this directory of the repository")
    parser.add_argument(
        "--keep", type=int, default=5, metavar="N", help="releases to keep, 1 to 1000, the new one counted (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="longest time for git in all (default: %(default)s)"
    )
    add_change_options(parser)
    parser.set_defaults(
        run=lambda args: releases.deploy(
            args.root,
            args.repo,
            ref=args.ref,
            subdir=args.subdir,
            keep=args.keep,
            note=args.note,
            timeout=args.timeout,
            wait=args.wait,
            dry_run=args.dry_run,
        )
    )


def add_release_commands(commands):
    """Declare `rollback` and `releases`."""
    parser = commands.add_parser(
        "rollback",
        help="go back to an earlier release",
        description="Switch to the release before the current one, or to a named one.",
    )
    add_root(parser)
    parser.add_argument("--to", metavar="RELEASE", help="name or commit hash of the release (default: the one before the current)")
    add_change_options(parser)
    parser.set_defaults(
        run=lambda args: releases.rollback(
            args.root, to=args.to, note=args.note, wait=args.wait, dry_run=args.dry_run
        )
    )

    parser = commands.add_parser(
        "releases", help="releases and their history", description="The releases of a root and its latest switches, newest first."
    )
    add_root(parser)
    parser.add_argument(
        "--limit", type=int, default=10, metavar="N", help="at most so many of each, 1 to 1000 (default: %(default)s)"
    )
    parser.set_defaults(run=lambda args: releases.releases(args.root, args.limit))


def add_root(parser):
    """Declare --root."""
    parser.add_argument("--root", required=True, metavar="DIRECTORY", help="absolute path of the deployment root")


def add_change_options(parser):
    """Declare the options of what changes a root."""
    parser.add_argument("--note", metavar="TEXT", help="reason, kept in the history, at most 500 characters")
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="wait so long for another deployment to end, up to 600 (default: %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def emit(result, status):
    """Print the result as one line of JSON in UTF-8, whatever the locale, and return the exit status."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(json.dumps(result, ensure_ascii=False))
    return status


def main(argv=None):
    """Run one command; returns the exit status."""
    args = build_parser().parse_args(argv)
    try:
        return emit(args.run(args), 0)
    except DevopsError as error:
        return emit({"error": str(error)}, 1)
    except OSError as error:
        where = f" '{error.filename}'" if error.filename else ""
        return emit({"error": f"{args.command}:{where} {error.strerror or error}"}, 1)


if __name__ == "__main__":
    sys.exit(main())

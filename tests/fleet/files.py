"""The files in deploy/ as their own tools read them; the Dockerfile's last stage, as far as it goes without an engine."""
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import support
import talk
from fleet import DEPLOY, until

DOCKERFILE = DEPLOY / "Dockerfile"
UNIT = DEPLOY / "smcp@.service"
MANIFESTS = DEPLOY / "kubernetes.yaml"
LOCK = pathlib.Path(__file__).resolve().parent / "locks" / "files.txt"

# Seconds that a stop takes at most after the drain: STOP_GRACE of src/transport, for calls and then for their answers.
STOP = 20

# Of systemd's figure of how exposed a service is, from 0 to 100.
EXPOSURE = 20

# What the image of the last stage has and a chroot of this machine's files has as well.
MACHINE = ("bin", "lib", "lib64", "usr")


def run(checks, scratch):
    tools = support.venv(LOCK).parent
    proxy(checks)
    unit(checks, scratch / "unit")
    manifests(checks, tools)
    docker(checks, tools, scratch)


def quiet(*words, **more):
    """Runs a checker, which says nothing where nothing is wrong."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=support.INSTALL_LIMIT, **more)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}"
    return done.stdout


def proxy(checks):
    with checks.of("haproxy.cfg", "is sound, without a warning"):
        said = quiet(support.program(("haproxy",), "haproxy"), "-c", "-f", DEPLOY / "haproxy.cfg")
        assert said.strip() == "Configuration file is valid", said


def drain(words):
    return int(words[words.index("--drain") + 1])


def unit(checks, root):
    """In a root that has the program where the unit says, beside systemd's own units."""
    analyze = support.program(("systemd-analyze",), "systemd")
    name = UNIT.name.replace("@", "@a")
    for directory in ("etc/systemd/system", "usr/local/bin", "usr/lib/systemd"):
        (root / directory).mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    shutil.copy(UNIT, root / "etc/systemd/system")
    shutil.copy(support.BINARY, root / "usr/local/bin")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    with checks.of(UNIT.name, "is sound for systemd"):
        said = quiet(analyze, "verify", f"--root={root}", "--man=no", name)
        assert said == "", said
    with checks.of(UNIT.name, f"is exposed by no more than {EXPOSURE} %"):
        quiet(analyze, "security", "--offline=yes", f"--root={root}", f"--threshold={EXPOSURE}", name)
    text = UNIT.read_text().replace("\\\n", " ")
    words = shlex.split(re.search("^ExecStart=(.*)$", text, re.MULTILINE)[1].replace("%i", "a"))
    with checks.of(UNIT.name, "leaves the server the time that a stop takes"):
        patience = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1])
        assert patience > drain(words) + STOP, (patience, words)
    with checks.of(UNIT.name, "starts a server"):
        # With its own words, but for where things are.
        there = [word if not word.startswith("/") else str(root / word[1:]) for word in words]
        (root / "srv/smcp/plugins").mkdir(parents=True)
        said = root / "stdout.txt"
        with said.open("w") as out, (root / "stderr.txt").open("w") as err:
            server = subprocess.Popen(there, cwd=root, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={
                **support.clean_environment(), "MCP_PORT": "0", "MCP_API_KEY": talk.KEY, "SMCP_STATE_KEY": "0" * 32})
        try:
            support.address(server, said)
        finally:
            end(server)


def end(server):
    """Ends a process that was told to drain before it stops."""
    server.terminate()
    while server.poll() is None:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(1)


def manifests(checks, tools):
    with checks.of(MANIFESTS.name, "is in the API's terms"):
        said = quiet(tools / "kubernetes-validate", "--strict", MANIFESTS)
        kinds = set(re.findall(r"passed for resource (\w+)/", said))
        assert len(kinds) == MANIFESTS.read_text().count("\nkind: ") == len(said.splitlines()), said
    read = f"import json, yaml; print(json.dumps(list(yaml.safe_load_all(open({str(MANIFESTS)!r})))))"
    documents = {document["kind"]: document for document in json.loads(quiet(tools / "python", "-c", read))}
    pod = documents["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    with checks.of(MANIFESTS.name, "leaves the server the time that a stop takes"):
        assert pod["terminationGracePeriodSeconds"] > drain(container["args"]) + STOP, container["args"]
        probe = container["readinessProbe"]
        assert drain(container["args"]) > 2 * probe["periodSeconds"] * probe["failureThreshold"], probe
    with checks.of(MANIFESTS.name, "has arguments that smcp takes"):
        # Help is asked for last, so all before it has been read.
        quiet(support.BINARY, *container["args"], "--help")
    with checks.of(MANIFESTS.name, "fits the image"):
        image = stages()[-1]
        port = next(port["containerPort"] for port in container["ports"] if port["name"] == "http")
        assert str(port) == last(image, "EXPOSE") == environment(image)["MCP_PORT"], port
        assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == last(image, "USER")
        written = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {environment(image)["MCP_LOG_DIR"], "/tmp"} <= written, written


def stages():
    """The instructions of each stage, as (name, text)."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    found = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            name, text = line.split(maxsplit=1)
            if name == "FROM":
                found.append([])
            found[-1].append((name, text))
    return found


def of(stage, name):
    return [text for found, text in stage if found == name]


def last(stage, name):
    return of(stage, name)[-1]


def environment(stage):
    return dict(pair.split("=", 1) for text in of(stage, "ENV") for pair in shlex.split(text))


def copies(stage):
    """What is copied from the build's context, as (sources, target)."""
    for text in of(stage, "COPY"):
        words = shlex.split(text)
        if not any(word.startswith("--from=") for word in words):
            *sources, target = [word for word in words if not word.startswith("--")]
            yield sources, target


def copy(stage, root):
    """Copies from the build's context what a stage copies, as `.dockerignore` would let it."""
    left_out = shutil.ignore_patterns(".cache", "__pycache__", ".venv")
    for sources, target in copies(stage):
        place = root / target.lstrip("/")
        for source in sources:
            here = support.ROOT / source
            if here.is_dir():
                shutil.copytree(here, place, ignore=left_out, dirs_exist_ok=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(here, place)


def docker(checks, tools, scratch):
    with checks.of("Dockerfile", "pleases hadolint"):
        assert quiet(tools / "hadolint", DOCKERFILE) == ""
    build, image = stages()
    with checks.of("Dockerfile", "copies all that a build needs, and its own ignore file lets it through"):
        let = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
        sources = {source for stage in (build, image) for found, _ in copies(stage) for source in found}
        assert sources == set(let), (sources, let)
        copy(build, scratch / "build")
        assert of(build, "RUN") == ["cargo build --release --locked"], build
        quiet("cargo", "check", "--quiet", "--locked", cwd=scratch / "build", env={
            **os.environ, "CARGO_TARGET_DIR": str(support.TARGET)})
    with checks.of("Dockerfile", "makes a server that needs no plugin's process to start, and is well for Docker"):
        runtime(image, scratch / "image")


def runtime(image, root):
    """The commands of the last stage, as its user and with its variables, in a root with this machine's programs.

    `apt-get` and `useradd` are left out: what they give is here.
    """
    support.program(("tini",), "tini")
    for directory in (*MACHINE, "etc", "tmp", "dev", "proc"):
        (root / directory).mkdir(parents=True)
    copy(image, root)
    user, home = last(image, "USER"), last(image, "WORKDIR")
    owner = [int(number) for number in user.split(":")]
    for made in re.search(r"install --directory --owner smcp --group smcp ([^&]*)", of(image, "RUN")[0])[1].split():
        (root / made[1:]).mkdir(parents=True, exist_ok=True)
        os.chown(root / made[1:], *owner)
    schemas = root / environment(image)["MCP_SCHEMAS_DIR"][1:]
    for path in (schemas, *schemas.rglob("*")):
        os.chown(path, *owner)
    (root / "tmp").chmod(0o1777)
    root.chmod(0o755)
    root.parent.chmod(0o755)
    variables = [f"{name}={value}" for name, value in environment(image).items()]
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    inside = ["chroot", f"--userspec={user}", root, "/usr/bin/env", "-i", "-C", home, path, *variables]
    mounts = [f"mount --rbind /{name} {shlex.quote(str(root / name))}" for name in (*MACHINE, "dev", "proc")]
    # A network of its own, so that no port is taken, and the program where the image has it.
    programs = shlex.quote(str(root / "usr/local/bin"))
    script = "\n".join(["ip link set lo up", *mounts, f"mount -t tmpfs tmpfs {programs}",
                        f"cp {shlex.quote(str(support.BINARY))} {programs}/smcp", 'exec "$@"'])
    apart = ["unshare", "--mount", "--net", "sh", "-ec", script, "sh", *inside]
    for command in of(image, "RUN")[1:]:
        quiet(*apart, "sh", "-ec", command)
    words = json.loads(last(image, "ENTRYPOINT")) + json.loads(last(image, "CMD"))
    refused = subprocess.run([str(word) for word in (*apart, *words)], stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=support.START_LIMIT)
    assert refused.returncode == 2 and "MCP_API_KEY" in refused.stderr, refused
    with (root / "said.txt").open("w") as said:
        server = subprocess.Popen([str(word) for word in (*apart, f"MCP_API_KEY={talk.KEY}", *words)],
                                  stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        ask(root, image, inside, server)
    finally:
        end(server)
    assert server.returncode == 0, server.returncode


def ask(root, image, inside, server):
    """Asks a server as Docker does, and for its figures."""
    entering = ["nsenter", "--target", server.pid, "--mount", "--net", *inside]
    check = json.loads(re.search(r"CMD (\[.*\])$", last(image, "HEALTHCHECK"))[1])

    def is_well():
        words = [str(word) for word in (*entering, *check)]
        assert server.poll() is None, (root / "said.txt").read_text()
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0

    until("the health check passes", is_well)
    fetch = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/metrics').read().decode())"
    figures = quiet(*entering, "python3", "-c", fetch)
    for line in ("smcp_plugins_asked_total 0", 'smcp_plugins{state="ready"} 4.0'):
        assert line in figures.splitlines(), figures
    # Everything runs as the user that the image names.
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    assert re.search(r"^Uid:\t10001\t10001", status, re.MULTILINE), status

"""The official MCP conformance suite: what it requires, how it is run, and what is wrong with its results."""
import json
import os
import pathlib
import re
import subprocess

import support

HERE = pathlib.Path(__file__).resolve().parent

# Revision → how many scenarios it requires of a server, so that a suite that ran less is noticed.
REVISIONS = {"2025-11-25": 30, "2026-07-28": 37}

# Seconds for one revision's scenarios; they take less than ten.
SUITE_LIMIT = 300

# What our server says of a tool that it doesn't have, in an answer that a check took for a success.
NOT_THERE = "unknown tool `test_"


def installed():
    """Where the suite's packages are."""
    return support.npm(HERE / "npm")


def required(package, revision):
    """The scenarios that a revision requires of a server: the list `server` of the suite's requirements."""
    text = (package / "requirements" / f"{revision}.yaml").read_text()
    block = re.search(r"^server:\n((?:  - .+\n)+)", text, re.MULTILINE)
    return re.findall(r"^  - (\S+)", block[1], re.MULTILINE)


def run_suite(modules, revision, url, out):
    """Runs the suite; it leaves one folder of checks for each scenario in `out`."""
    words = [modules / ".bin" / "conformance", "server", "--url", f"{url}/mcp", "--requirements", revision, "-o", out]
    env = {**support.clean_environment(), "PATH": f"{modules / '.bin'}:{os.environ['PATH']}"}
    try:
        done = subprocess.run([str(word) for word in words], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=SUITE_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise support.Missing(f"the suite did not end within {SUITE_LIMIT} s") from error
    (out / "suite.txt").write_text(done.stdout + done.stderr)


def checks_of(out, scenario):
    folders = [f for f in out.glob(f"server-{scenario}-*") if re.fullmatch(r"[-\dTZ]+", f.name[len(scenario) + 8:])]
    return [check for folder in folders for check in json.loads((folder / "checks.json").read_text())]


def faults_of(checks):
    """What is wrong with a scenario, as (kind, text); nothing where it passes."""
    if not any(check["status"] in ("SUCCESS", "INFO") for check in checks):
        yield "failure", "the suite ran no check"
    for check in checks:
        said = f"{check['id']}: {check.get('errorMessage') or check.get('description')}"
        if check["status"] in ("FAILURE", "WARNING"):
            yield check["status"].lower(), said
        elif check["status"] == "SUCCESS" and NOT_THERE in json.dumps(check):
            yield "not tested", f"{said} (the tool that it calls is not there)"


def judge(modules, revision, out):
    """Prints each scenario of a revision; gives how many pass, and how many pass by the suite's own rule."""
    package = modules / "@modelcontextprotocol" / "conformance"
    passed = mild = 0
    scenarios = required(package, revision)
    for scenario in scenarios:
        faults = list(faults_of(checks_of(out, scenario)))
        passed += not faults
        mild += all(kind != "failure" for kind, _ in faults)
        print(f"{'FAILED ' if faults else 'ok     '} {revision} {scenario}")
        for kind, said in faults:
            print(f"          {kind}: {said}")
    total = len(scenarios)
    if total != REVISIONS[revision]:
        raise support.Missing(f"the suite requires {total} scenarios for {revision}, not {REVISIONS[revision]}")
    return passed, mild, total

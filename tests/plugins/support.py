"""What the plugin tests share: running a plugin as its users do, and reading what it prints."""

import collections
import json
import os
import pathlib
import subprocess
import sys

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
# A plugin that takes longer than this hangs.
TIME_LIMIT = 60

Outcome = collections.namedtuple("Outcome", "status result error")


def environment(**changes):
    """This process's environment without what would change a plugin's ways, and with the changes."""
    dropped = ("TELEGRAM_", "GIT_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped) and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def command(plugin, *words):
    """The argv that runs a plugin with the interpreter of this test."""
    return [sys.executable, str(PLUGINS / plugin / "cli.py"), *map(str, words)]


def run(plugin, *words, **changes):
    """Run a plugin to its end; its standard output must be one line of JSON, or empty."""
    finished = subprocess.run(
        command(plugin, *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**changes),
        timeout=TIME_LIMIT,
        check=False,
    )
    output = finished.stdout.decode("utf-8")
    if output.count("\n") > 1:
        raise AssertionError(f"more than one line on standard output: {output}")
    result = json.loads(output) if output else None
    return Outcome(finished.returncode, result, finished.stderr.decode("utf-8", "replace"))


def help_page(plugin, *words):
    """What a plugin prints for --help, in wide columns."""
    finished = subprocess.run(
        command(plugin, *words, "--help"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(COLUMNS="200", NO_COLOR="1", PYTHON_COLORS="0"),
        timeout=TIME_LIMIT,
        check=True,
    )
    return finished.stdout.decode("utf-8")


class PluginCase:
    """Mixed into a TestCase: the two ways a plugin run can end."""

    plugin = ""

    def success(self, *words, **changes):
        """The result of a run that must succeed."""
        outcome = run(self.plugin, *words, **changes)
        self.assertEqual((outcome.status, outcome.result and outcome.result.get("error")), (0, None), outcome)
        return outcome.result

    def failure(self, *words, **changes):
        """The error text of a run that must fail in the documented way, without a traceback."""
        outcome = run(self.plugin, *words, **changes)
        self.assertEqual(outcome.status, 1, outcome)
        self.assertNotIn("Traceback", outcome.error)
        self.assertIsInstance(outcome.result["error"], str)
        return outcome.result["error"]

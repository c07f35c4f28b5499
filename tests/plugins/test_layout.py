"""What every bundled plugin promises: its files, its help pages, its exit statuses."""

import ast
import json
import os
import re
import subprocess
import sys
import unittest

import support

# Walks a plugin's parser; prints how many arguments it has, and those and the commands that say nothing of themselves.
UNDESCRIBED = """
import argparse, json, sys
sys.path.insert(0, sys.argv[1])
import cli
count, found, parsers = 0, [], [cli.build_parser()]
while parsers:
    parser = parsers.pop()
    if not parser.description:
        found.append(parser.prog)
    for action in parser._actions:
        count += 1
        if isinstance(action, argparse._SubParsersAction):
            parsers += action.choices.values()
            found += [choice.dest for choice in action._choices_actions if not choice.help]
            found += [] if len(action.choices) == len(action._choices_actions) else [parser.prog]
        elif not action.help:
            found.append(parser.prog + " " + action.dest)
print(json.dumps([count, found]))
"""

PLUGINS = sorted(path.parent.name for path in support.PLUGINS.glob("*/cli.py"))


def commands_of(plugin):
    """The commands that the root help page lists."""
    return re.search(r"\{([a-z_,-]+)\}", support.help_page(plugin)).group(1).split(",")


class Layout(unittest.TestCase):
    def test_the_four_plugins_are_there(self):
        self.assertEqual(PLUGINS, ["botfather", "demo_math", "demo_text", "devops"])

    def test_files(self):
        for plugin in PLUGINS:
            directory = support.PLUGINS / plugin
            with self.subTest(plugin=plugin):
                self.assertTrue(os.access(str(directory / "cli.py"), os.X_OK))
                self.assertTrue((directory / "cli.py").read_text().startswith("#!/usr/bin/env python3\n"))
                self.assertTrue(ast.get_docstring(ast.parse((directory / "__init__.py").read_text())))

    def test_readme_shows_every_command_as_tool_and_as_command_line(self):
        for plugin in PLUGINS:
            readme = (support.PLUGINS / plugin / "README.md").read_text(encoding="utf-8")
            for command in commands_of(plugin):
                with self.subTest(plugin=plugin, command=command):
                    self.assertIn(f"{plugin}__{command}", readme)
                    self.assertRegex(readme, rf"plugins/{plugin}/cli\.py {command}\b")

    def test_everything_is_described(self):
        for plugin in PLUGINS:
            with self.subTest(plugin=plugin):
                words = [sys.executable, "-B", "-c", UNDESCRIBED, str(support.PLUGINS / plugin)]
                finished = subprocess.run(words, stdout=subprocess.PIPE, timeout=support.TIME_LIMIT, check=True)
                count, undescribed = json.loads(finished.stdout.decode())
                self.assertEqual(undescribed, [])
                self.assertGreater(count, len(commands_of(plugin)))

    def test_usage_errors_are_argparse_errors(self):
        for plugin in PLUGINS:
            for words in [[], ["no-such-command"], [commands_of(plugin)[0], "--no-such-option"]]:
                with self.subTest(plugin=plugin, words=words):
                    outcome = support.run(plugin, *words)
                    self.assertEqual((outcome.status, outcome.result), (2, None))
                    self.assertTrue(outcome.error.startswith("usage: " + plugin), outcome.error)


if __name__ == "__main__":
    unittest.main()

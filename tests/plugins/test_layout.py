"""What every bundled plugin promises: its files, its help pages, its exit statuses."""

import ast
import os
import re
import unittest

import support

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

    def test_every_option_is_described(self):
        for plugin in PLUGINS:
            for words in [[]] + [[command] for command in commands_of(plugin)]:
                page = support.help_page(plugin, *words)
                for line in page.splitlines():
                    if line.startswith("  -"):
                        with self.subTest(plugin=plugin, words=words, line=line):
                            self.assertRegex(line, r"^  -.*\S\s{2,}\S|^  -\S.{22,}$")

    def test_usage_errors_are_argparse_errors(self):
        for plugin in PLUGINS:
            for words in [[], ["no-such-command"], [commands_of(plugin)[0], "--no-such-option"]]:
                with self.subTest(plugin=plugin, words=words):
                    outcome = support.run(plugin, *words)
                    self.assertEqual((outcome.status, outcome.result), (2, None))
                    self.assertTrue(outcome.error.startswith("usage: " + plugin), outcome.error)


if __name__ == "__main__":
    unittest.main()

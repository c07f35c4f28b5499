"""Random descriptions of argparse programs: (seed, count) -> JSON lines.

A description is plain data that harness.py builds a parser from, so that the same program exists on every Python
version. Common things are common: most programs look like ones that people write, and a few have what argparse
allows and nobody expects. This file knows nothing of smcp and builds no parser.

A parser: {"prog", "usage", "description", "epilog", "formatter", "prefix_chars", "fromfile_prefix_chars",
"add_help", "allow_abbrev", "exit_on_error", "conflict_handler", "argument_default", "layout": {keywords of the
formatter}, "set_defaults" (==FUNCTION== stands for a function), "parents": [parser], "items": [item],
"sub": {...}}, all optional.
An item: {"kind": "argument", ...keywords of add_argument, "flags" or "name"}, {"kind": "group", "title",
"description", "items"} or {"kind": "exclusive", "required", "items"}.
Subcommands: {"title", "description", "metavar", "dest", "required", "help", "at": how many items stand before,
"commands": [{"name", "aliases", "help", "parser"}]}; a key that is absent is a keyword that is not passed.
"parse": the rest of the name of the method that the program calls (parse_args where absent), at its top level.
"since": the first Python version ([major, minor]) that has all that a description uses, at its top level.
"""

import argparse  # for this script's own options only
import json
import random
import sys

SUPPRESS = "==SUPPRESS=="
FUNCTION = "==FUNCTION=="

NAMES = """verbose output config dry-run max-count name user port level file force quiet tag exclude include format
timeout retries color host path mode key value region image label filter sort limit offset query depth branch remote
message author date since until all recursive interactive x1 with_underscore foo.bar no-cache no-color version-id
input-file log-level a1b2 UPPER CamelCase""".split()
POSITIONALS = "src dst file files target name path pattern env url key value item cmd rest input_file x Y".split()
COMMANDS = """run start stop list add remove show init status deploy get set push pull check-all db_migrate clone
checkout v1.2 up down logs""".split()
WORDS = """the a file name to read write when it is used for output of each value server default print only show
instead with without and or number path directory remote local see also well-known time-out per second
user/group foo/bar e.g. configuration""".split()
TITLES = ["network options", "Output", "advanced", "Required arguments", "my group (rare)", "auth", "Füße",
          "options", "a: b", "Exit codes"]
ODD_HELP = [
    "100%% sure", "use {braces} and [brackets]", "--verbose at the start of the help",
    "-x is not an option here", "usage: not a usage line", "options:", "commands: run, stop",
    "naïve café → ünïcode ✓ 漢字", "two  spaces   inside", "ends with a colon:", "a | b | c", "(in parentheses)",
    "see --output, -o or --force=FILE for more", "trailing blank ", " leading blank", "'quoted' and \"double\"",
    "tab\tinside", "{a,b,c} are the choices", "default: none of them", "one\nsecond line\nthird",
    "first paragraph\n\nsecond paragraph", "a list:\n  - one\n  -t two  with gap\n  --three THREE  more",
    "...", "-", "--", "x", "==", "[--flag]", "a=b, c=d", "#1", "$HOME/.config", "%%(prog)s", "name (a, b)",
    "is it required? (required)", "e.g. --level 3",
]
ODD_METAVARS = ["A B", "[A|B]", "<file>", "{x,y}", "FILE...", "A|B", "K=V", "(A)", "[HOST:]PORT", "a,b", "-N", "N[,M]"]
ODD_CHOICES = [[",", "|", "a b", "{", "'"], ["a,b", "c"], ["", "x"], ["-a", "-b"], ["a}", "b"], ["[x]", "y"]]
RAW_TEXTS = [
    "examples:\n  tool run --fast\n  tool stop -x",
    "options:\n  -z, --zed ZED  not an option\n",
    "usage: tool [--not-real] FILE\n",
    "positional arguments:\n  ghost  not an argument",
    "commands:\n  phantom   not a command\n  spectre   neither",
    "line one\n\n    indented code --like this\n\nlast line",
    "Exit status:\n  0  fine\n  1  not fine",
]
DESCRIPTIONS = [
    "A tool.", "Do things with files and directories, quickly.", "Copy SRC to DST",
    "Shows the usage: of words that look like headings", "100%% of the time: works", "naïve → unicode",
    "(c) nobody, version 1.0", "Ends with a colon:", "a\nb\nc",
]
EPILOGS = ["See the manual.", "Report bugs to <bugs@example.org>.", "examples: run it", "More at https://example.org/x"]
FORMATTERS = [("HelpFormatter", 62), ("ArgumentDefaultsHelpFormatter", 14), ("RawDescriptionHelpFormatter", 10),
              ("RawTextHelpFormatter", 9), ("MetavarTypeHelpFormatter", 5), ("RawDefaultsFormatter", 5)]
RAW = ("RawDescriptionHelpFormatter", "RawTextHelpFormatter", "RawDefaultsFormatter")
USAGES = ["%(prog)s [options] FILE", "%(prog)s", "%(prog)s --all [--fast] NAME", "%(prog)s <command> [<args>]",
          "%(prog)s [-v] FILE...\n       %(prog)s --version"]
LAYOUTS = [{"width": 60}, {"width": 120, "max_help_position": 40}, {"max_help_position": 10}, {"indent_increment": 4},
           {"width": 45, "max_help_position": 12}]


class Maker:
    """Makes one description; every choice comes from the one random source."""

    def __init__(self, rng):
        self.rng = rng
        self.since = [3, 8]

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def pick(self, weighted):
        total = sum(weight for _, weight in weighted)
        at = self.rng.random() * total
        for value, weight in weighted:
            at -= weight
            if at < 0:
                return value
        return weighted[-1][0]

    def one(self, items):
        return items[int(self.rng.random() * len(items))]

    def some(self, items, low, high):
        items = list(items)
        count = min(low + int(self.rng.random() * (high - low + 1)), len(items))
        return [items.pop(int(self.rng.random() * len(items))) for _ in range(count)]

    def sentence(self, low, high):
        count = low + int(self.rng.random() * (high - low + 1))
        return " ".join(self.one(WORDS) for _ in range(count))

    # Programs

    def program(self):
        formatter = self.pick(FORMATTERS)
        levels = self.pick([(0, 52), (1, 30), (2, 13), (3, 5)])
        if formatter == "MetavarTypeHelpFormatter":
            levels = 0  # it needs a type on every positional, and subparsers have none
        parser = self.parser(formatter, levels, root=True)
        parser["prog"] = self.pick([("tool", 80), ("my tool", 8), ("python -m tool", 6), ("tool.py", 6)])
        method = self.pick([("args", 88), ("known_args", 5), ("intermixed_args", 5), ("known_intermixed_args", 2)])
        if method != "args" and ("intermixed" not in method or self.may_intermix(parser)):
            parser["parse"] = method
        if self.since > [3, 8]:
            parser["since"] = self.since
        return parser

    def may_intermix(self, parser):
        """argparse refuses to read subcommands, a REMAINDER, or a positional of an exclusive group that way, and its help
        fails where a positional names its default."""
        def refuses(item, exclusive):
            inner, odd = item.get("items", []), item.get("nargs") in ("...", "A...") or "%(default)" in (item.get("help") or "")
            return item["kind"] == "argument" and "name" in item and (exclusive or odd) \
                or any(refuses(one, exclusive or item["kind"] == "exclusive") for one in inner)
        items = parser["items"] + [item for parent in parser.get("parents", []) for item in parent["items"]]
        return "sub" not in parser and not any(refuses(item, False) for item in items)

    def parser(self, formatter, levels, root=False, outer=()):
        parser = {}
        if formatter != "HelpFormatter":
            parser["formatter"] = formatter
        prefix = self.pick([("-", 96), ("+/", 1.5), ("-+", 2.5)])
        if prefix != "-":
            parser["prefix_chars"] = prefix
        if self.chance(2):
            parser["fromfile_prefix_chars"] = "@"
        if self.chance(3 if root else 5):
            parser["add_help"] = False
        if self.chance(4):
            parser["allow_abbrev"] = False
        if self.chance(3):
            parser["usage"] = self.one(USAGES)
        if self.chance(2):
            parser["conflict_handler"] = "resolve"
        if self.chance(3):
            parser["argument_default"] = SUPPRESS
        if root and self.chance(3):
            parser["exit_on_error"] = False
            self.since = max(self.since, [3, 9])
        if self.chance(5):
            # Prose of the indent of other pages' entries is not to be told from entries.
            parser["layout"] = self.one([one for one in LAYOUTS if formatter not in RAW or "indent_increment" not in one])
        # Without a help option nothing tells argparse's own sections from prose that looks like them.
        raw = formatter in RAW and "add_help" not in parser
        if self.chance(60):
            parser["description"] = self.text(raw, DESCRIPTIONS)
        if self.chance(15):
            parser["epilog"] = self.text(raw, EPILOGS)
        if self.chance(8):
            parser["set_defaults"] = {"handler": self.one([FUNCTION, FUNCTION, self.one(COMMANDS)])}
        state = {"flags": set(), "dests": set(outer), "formatter": formatter, "prefix": prefix, "open": True,
                 "resolves": "conflict_handler" in parser,
                 "suppresses": "argument_default" in parser, "bare": not parser.get("add_help", True)}
        if parser.get("add_help", True):
            state["flags"] |= {prefix[0] + "h", prefix[0] * 2 + "help"}
            if "-" in prefix:
                state["flags"] |= {"-h", "--help"}
        if self.chance(6):
            resolves, state["resolves"] = state["resolves"], False  # a parent of its own refuses conflicts
            parser["parents"] = [{"add_help": False, "prefix_chars": prefix, "items": self.items(state, 3, levels == 0)}]
            state["resolves"] = resolves
        parser["items"] = self.items(state, 6, levels == 0)
        if levels:
            parser["sub"] = self.subcommands(parser, formatter, levels, state["dests"])
        return parser

    def text(self, raw, plain):
        if raw and self.chance(55):
            return self.one(RAW_TEXTS)
        if self.chance(25):
            return self.sentence(15, 40)
        return self.one(plain)

    def subcommands(self, parser, formatter, levels, dests):
        sub = {"commands": []}
        if self.chance(25):
            sub["title"] = self.one(["commands", "Subcommands", "actions", "available commands"])
        if self.chance(12):
            sub["description"] = self.sentence(3, 8)
        if self.chance(18):
            sub["metavar"] = self.one(["COMMAND", "VERB", "<command>", "cmd"])
        if self.chance(45):
            sub["dest"] = self.one(["command", "cmd_name", "action"])
            dests.add(sub["dest"])
        if self.chance(35):
            sub["required"] = True
            sub.setdefault("dest", "command")
        if self.chance(18):
            sub["help"] = self.sentence(2, 6)
        # argparse gives the subcommand all words that are left, so positionals can only stand before it.
        sub["at"] = len(parser["items"])
        for name in self.some(COMMANDS, 1, 4):
            command = {"name": name}
            if self.chance(12):
                command["aliases"] = [name[:2], name + "2"][: 1 + int(self.rng.random() * 2)]
            if self.chance(88):
                command["help"] = self.command_help()
            if self.chance(1):
                self.deprecate(command)
            below = levels - 1 if self.chance(60) else 0
            command["parser"] = self.parser(formatter, below, outer=() if self.chance(10) else dests)
            sub["commands"].append(command)
        taken = set(c["name"] for c in sub["commands"])
        for command in sub["commands"]:
            kept = [a for a in command.pop("aliases", []) if a not in taken]
            taken |= set(kept)
            if kept:
                command["aliases"] = kept
        return sub

    def deprecate(self, what):
        what["deprecated"] = True
        self.since = max(self.since, [3, 13])

    def command_help(self):
        return self.pick([(self.sentence(2, 7), 78), (self.sentence(20, 40), 8), (SUPPRESS, 3), (None, 2),
                          ("", 1), (self.one(ODD_HELP), 6)])

    # Arguments

    def items(self, state, most, is_leaf):
        items = [self.option(state) for _ in range(int(self.rng.random() * (most + 1)))]
        for _ in range(self.pick([(0, 45), (1, 35), (2, 15), (3, 5)]) if is_leaf else self.pick([(0, 85), (1, 15)])):
            positional = self.positional(state, is_leaf)
            if positional:
                items.insert(int(self.rng.random() * (len(items) + 1)) if self.chance(30) else len(items), positional)
        if self.chance(18):
            items.append({"kind": "exclusive", "items": [self.option(state, True) for _ in range(2 + self.chance(30))]})
            if self.chance(40):
                items[-1]["required"] = True
            if self.chance(8) and is_leaf:
                positional = self.positional(state, is_leaf, True)
                if positional:
                    items[-1]["items"].append(positional)
        if self.chance(20):
            group = {"kind": "group", "items": [self.option(state) for _ in range(1 + int(self.rng.random() * 3))]}
            if self.chance(94):
                group["title"] = self.one(TITLES)
            if "title" in group and self.chance(25):
                group["description"] = self.one([self.sentence(3, 9), "--looks like an option  but is not"])
            if self.chance(12):
                group["items"].append({"kind": "exclusive", "items": [self.option(state, True), self.option(state, True)]})
            items.append(group)
        return [item for item in items if item]

    def flags(self, state, negatable=False):
        dash = "-" if negatable else self.one(state["prefix"])
        for _ in range(30):
            name = self.one(NAMES)
            if negatable and name.startswith("no-"):
                continue  # 3.14 refuses it
            long, short = dash * 2 + name, dash + self.one([name[0], name[0].upper()])
            shape = "long" if negatable else self.pick(
                [("long", 45), ("both", 37), ("short", 7), ("longs", 4), ("single", 3), ("negative", 0.7), ("reverse", 3)])
            flags = {"long": [long], "both": [short, long], "short": [short], "longs": [long, long + "-too"],
                     "single": [dash + name], "negative": [dash + "1"], "reverse": [long, short]}[shape]
            taken = set(flags + [dash * 2 + "no-" + name] if negatable else flags)
            if not state["flags"] & taken or state["resolves"] and not negatable and self.chance(30):
                state["flags"] |= taken
                return flags
        fresh = "%sopt%d" % (dash * 2, len(state["flags"]))
        state["flags"].add(fresh)
        return [fresh]

    def option(self, state, exclusive=False):
        typed = state["formatter"] == "MetavarTypeHelpFormatter"
        action = self.pick([("store", 46), ("store_true", 20), ("store_false", 3), ("store_const", 3), ("append", 7),
                            ("append_const", 2), ("count", 4), ("extend", 3), ("version", 2), ("boolean_optional", 4),
                            ("custom_flag", 1.5), ("custom_value", 1.5)])
        if action == "boolean_optional" and ("-" not in state["prefix"] or state["suppresses"]):
            action = "store_true"  # it knows `--no-` only, and before 3.13 it prints whatever default there is
        argument = {"kind": "argument", "flags": self.flags(state, action == "boolean_optional"), "action": action}
        if action == "store":
            del argument["action"]
            self.values(argument, typed, self.pick([(None, 72), ("?", 8), ("*", 7), ("+", 6), (2, 3), (3, 1), (1, 2),
                                                    ("...", 0.6)]))
            if argument.get("nargs") == "?" and self.chance(60):
                argument["const"] = argument.get("choices", [self.value(argument)])[0]
        elif action == "append":
            self.values(argument, typed, self.pick([(None, 75), ("+", 10), (2, 9), ("*", 3), (1, 3)]))
        elif action == "extend":
            self.values(argument, typed, self.pick([("+", 70), ("*", 20), (2, 10)]))
        elif action == "custom_value":
            self.values(argument, typed, None)
        elif action in ("store_const", "append_const"):
            argument["const"] = self.one(["x", 5, "two words", True])
            if action == "store_const" and self.chance(30):
                argument["default"] = "d"
        elif action == "count":
            if self.chance(40):
                argument["default"] = self.one([0, 0, 2])
        elif action == "version":
            argument["version"] = "%(prog)s 1.0"
        elif action == "boolean_optional":
            self.since = max(self.since, [3, 9])
            if self.chance(60):
                argument["default"] = self.chance(50)
        valued = action in ("store", "append", "extend", "custom_value")
        if self.chance(10) and not exclusive and action != "version":
            argument["required"] = True
        if self.chance(0.4) and action not in ("custom_flag", "custom_value"):
            self.deprecate(argument)
        self.dest(argument, state)
        self.help(argument, state, action, valued)
        return argument

    def dest(self, argument, state):
        flags = argument["flags"]
        long = [f for f in flags if len(f) > 2 and f[0] == f[1]]
        dest = (long or flags)[0].lstrip(state["prefix"]).replace("-", "_")
        if not dest or dest in state["dests"] or self.chance(4):
            dest = "d%d" % len(state["dests"])
            if argument.get("action") == "version":
                return
            argument["dest"] = dest
        state["dests"].add(dest)

    def positional(self, state, is_leaf, exclusive=False):
        if not state["open"]:
            return None
        free = [name for name in POSITIONALS if name not in state["dests"]]
        if not free:
            return None
        argument = {"kind": "argument", "name": self.one(free)}
        state["dests"].add(argument["name"])
        if exclusive:
            nargs = "?"
        elif is_leaf:
            nargs = self.pick([(None, 62), ("?", 12), ("*", 9), ("+", 9), (2, 4), (1, 2), ("...", 2), ("A...", 2)])
        else:
            nargs = self.pick([(None, 90), (2, 4), ("?", 6)])
        typed = state["formatter"] == "MetavarTypeHelpFormatter"
        self.values(argument, typed, nargs)
        if nargs == "?" and state["suppresses"]:
            argument.pop("choices", None)  # before 3.14 argparse checks the mark itself
            self.untype(argument, typed)  # and converts it
        if exclusive and isinstance(argument.get("default"), str):
            self.untype(argument, typed)  # what a type makes of it is not the default, so it would count as given
        if nargs in ("*", "+", "...") and not self.chance(15) or nargs in ("...", "A..."):
            state["open"] = False
        self.help(argument, state, "store", True)
        return argument

    def untype(self, argument, typed):
        """Takes away what converts values."""
        argument.pop("type", None)
        if typed:
            argument["type"] = "str"

    def values(self, argument, typed, nargs):
        """Type, choices, default and metavar of an argument that takes values."""
        positional = "name" in argument
        if nargs is not None:
            argument["nargs"] = nargs
        kind = self.pick([(None, 58), ("int", 16), ("float", 9), ("str", 6), ("path", 7), ("upper", 4),
                          ("bool", 2), ("file", 1)])
        if typed and kind in (None, "path", "upper", "file"):
            kind = "str"
        if kind:
            argument["type"] = kind
        if self.chance(13) and nargs not in ("...", "A...") and not (positional and nargs == "*"):
            if kind == "int":
                argument["choices"] = self.some([1, 2, 3, 5, 8, 13], 2, 4)
            elif kind == "float":
                argument["choices"] = self.some([0.5, 1.0, 2.0, 1e9], 1, 3)
            elif kind in (None, "str"):
                argument["choices"] = self.some("fast slow auto json yaml x-y UP 1".split(), 1, 4)
                if self.chance(6):
                    argument["choices"] = self.one(ODD_CHOICES)
        if (self.chance(38) if not positional else nargs in ("?", "*") and self.chance(50)) and nargs != "...":
            argument["default"] = self.default(argument, nargs, positional)
        if positional:
            if self.chance(22):
                own = "%s_%d" % (self.one(["FILE", "thing"]), len(argument["name"]))
                argument["metavar"] = self.pick([(argument["name"].upper(), 60), (own, 25), (self.one(ODD_METAVARS), 15)])
                if argument["metavar"] == "-N":
                    argument["metavar"] = "N"
            return
        width = nargs if isinstance(nargs, int) and nargs > 1 else 2 if nargs in ("*", "+") else 0
        metavar = self.pick([(None, 66), ("word", 26), ("tuple", 30 if width > 1 else 0), ("odd", 4), ("", 0.8)])
        if metavar == "tuple":
            argument["metavar"] = ["A", "B", "C"][:width]
        elif metavar == "word":
            argument["metavar"] = self.one(["FILE", "N", "NAME", "value", "KEY", "path"])
        elif metavar == "odd":
            argument["metavar"] = self.one(ODD_METAVARS)
        elif metavar == "":
            argument["metavar"] = ""

    def value(self, argument):
        kind = argument.get("type")
        if "choices" in argument:
            return self.one(argument["choices"])
        if kind == "int":
            return self.one([0, 1, 5, -1, 8080])
        if kind == "file":
            return "-"  # any other is opened
        if kind == "float":
            return self.one([0.5, 1.0, -2.25, 1e9])
        return self.pick([("out.txt", 30), ("info", 25), ("5", 8), ("", 6), ("a b", 6), ("None", 2), ("it's", 2),
                          ("x" * 90, 1), ("50%", 2), ("(x)", 2), ("é", 2), ("-", 3), ("True", 2)])

    def default(self, argument, nargs, positional):
        many = nargs in ("*", "+") or isinstance(nargs, int) or argument.get("action") in ("append", "extend")
        if argument.get("action") in ("append", "extend"):
            if isinstance(nargs, (int, str)) and argument["action"] == "append":
                return []
            return self.one([[], [self.value(argument)]])
        if many:
            return [self.value(argument) for _ in range(nargs if isinstance(nargs, int) else 2)]
        if not positional and self.chance(4):
            return SUPPRESS
        if not positional and "choices" not in argument and self.chance(4):
            return self.one([False, None])
        value = self.value(argument)
        if argument.get("type") in ("int", "float") and "choices" not in argument and self.chance(12):
            return str(value)  # argparse passes a default that is a string through the type
        return value

    def help(self, argument, state, action, valued):
        kind = self.pick([("short", 56), ("long", 14), ("absent", 8), ("suppress", 2.5), ("odd", 12), ("empty", 0.7),
                          ("none", 1), ("default", 6 if valued else 0)])
        if kind == "absent":
            return
        if kind == "odd" and state["bare"]:
            kind = "short"  # nothing else on the page may show the column where help begins
        if kind == "none" and action == "version":
            return  # before 3.13 that is an empty help, then the standard one
        if kind == "default" and argument.get("default", SUPPRESS if state["suppresses"] else None) == SUPPRESS:
            kind = "short"  # help would end in a KeyError
        if kind == "suppress" and argument.get("required"):
            kind = "short"
        if kind == "suppress" and "name" in argument and argument.get("nargs") not in ("?", "*"):
            kind = "short"
        argument["help"] = {
            "short": lambda: self.sentence(2, 7),
            "long": lambda: self.sentence(18, 45),
            "suppress": lambda: SUPPRESS,
            "odd": lambda: self.one(ODD_HELP),
            "empty": lambda: "",
            "none": lambda: None,
            "default": lambda: self.sentence(2, 5) + self.one([" (default: %(default)s)", " [default: %(default)s]",
                                                               ", default %(default)s", " (default %(default)s)"]),
        }[kind]()


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=10)
    args = options.parse_args()
    for index in range(args.count):
        # One source for each program: program n of a seed stays the same whatever the count.
        maker = Maker(random.Random("%d/%d" % (args.seed, index)))
        sys.stdout.write(json.dumps(maker.program()) + "\n")


if __name__ == "__main__":
    main()

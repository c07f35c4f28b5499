#!/usr/bin/env python3
"""Programs that ask back: what they want to know goes out as JSON, and they are run again with the answers."""
import argparse
import json
import os
import pathlib
import shutil
import sys

# A program that this one puts beside itself, and takes away again.
GREETER = '''import argparse
parser = argparse.ArgumentParser(description="Greets.")
parser.parse_args()
print("Hello!")
'''


def answers():
    """Key → response, for what was asked before; nothing at first."""
    return json.loads(os.environ.get("SMCP_INPUT_RESPONSES", "{}"))


def state():
    """The state that was left with the questions; it is JSON where it wasn't text."""
    return os.environ.get("SMCP_REQUEST_STATE")


def ask(requests, state=None):
    asked = {"inputRequests": requests}
    if state is not None:
        asked["requestState"] = state
    print(json.dumps(asked))


def form(message, properties, required=None):
    schema = {"type": "object", "properties": properties}
    if required is None:
        schema["required"] = list(properties)
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def question(message, name):
    return form(message, {name: {"type": "string"}})


def sampling(text, tokens=100):
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": tokens}}


ROOTS = {"method": "roots/list", "params": {}}


def content(answer, name):
    """What the user filled in; an error where they did not."""
    if answer["action"] != "accept" or name not in answer.get("content", {}):
        sys.exit(f"no {name}: the user chose to {answer['action']}")
    return answer["content"][name]


def said(answer):
    blocks = answer["content"] if isinstance(answer["content"], list) else [answer["content"]]
    return " ".join(block.get("text", "") for block in blocks)


def let_model_say(args):
    answer = answers().get("answer")
    if answer is None:
        return ask({"answer": sampling(args.prompt)})
    print(f"LLM response: {said(answer)}")


def let_user_fill_in(args):
    answer = answers().get("user")
    if answer is None:
        return ask({"user": form(args.message, {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        })})
    print(f"User response: action={answer['action']}, content={json.dumps(answer.get('content', {}))}")


def fill_in(fields):
    answer = answers().get("fields")
    if answer is None:
        return ask({"fields": form("Please fill this in.", fields, required=[])})
    print(f"Elicitation completed: action={answer['action']}, content={json.dumps(answer.get('content', {}))}")


def defaults(args):
    fill_in({
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    })


def choices(args):
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{n}", "title": title} for n, title in enumerate(("First", "Second", "Third"), 1)]
    fill_in({
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
                       "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    })


def greet(args):
    answer = answers().get("user_name")
    if answer is None:
        return ask({"user_name": question("What is your name?", "name")})
    print(f"Hello, {content(answer, 'name')}!")


def capital(args):
    answer = answers().get("capital_question")
    if answer is None:
        return ask({"capital_question": sampling("What is the capital of France?")})
    print(said(answer))


def roots(args):
    answer = answers().get("client_roots")
    if answer is None:
        return ask({"client_roots": ROOTS})
    print("\n".join(root["uri"] for root in answer["roots"]))


def keep_state(args):
    if "confirm" not in answers():
        return ask({"confirm": form("Please confirm", {"ok": {"type": "boolean"}})}, "asked once")
    print("state-ok" if state() == "asked once" else f"the state is {state()}")


def everything(args):
    got = answers()
    if not {"user_name", "greeting", "client_roots"} <= set(got):
        return ask({
            "user_name": question("What is your name?", "name"),
            "greeting": sampling("Generate a greeting", 50),
            "client_roots": ROOTS,
        }, {"asked": 3})
    print(f"{said(got['greeting'])} {content(got['user_name'], 'name')}, {len(got['client_roots']['roots'])} root(s)")


def steps(args):
    known = json.loads(state() or "{}")
    if "step1" in answers():
        known["name"] = content(answers()["step1"], "name")
    if "step2" in answers():
        known["color"] = content(answers()["step2"], "color")
    if "name" not in known:
        return ask({"step1": question("Step 1: What is your name?", "name")}, known)
    if "color" not in known:
        return ask({"step2": question("Step 2: What is your favorite color?", "color")}, known)
    print(f"{known['name']} likes {known['color']}")


def what_is_possible(args):
    """Asks for what the client can be asked."""
    can = json.loads(os.environ.get("SMCP_CLIENT_CAPABILITIES", "{}"))
    if answers():
        print(json.dumps({"answered": sorted(answers())}))
        return
    possible = {
        "elicitation": {"name": question("What is your name?", "name")},
        "sampling": {"greeting": sampling("Generate a greeting")},
        "roots": {"roots": ROOTS},
    }
    ask({key: request for name in possible if name in can for key, request in possible[name].items()})


def prompt(args):
    answer = answers().get("user_context")
    if answer is None:
        return ask({"user_context": question("What context should the prompt use?", "context")})
    text = f"Use this context: {content(answer, 'context')}"
    print(json.dumps({"messages": [{"role": "user", "content": {"type": "text", "text": text}}]}))


def change_tools(args):
    """Puts a program beside this one, or takes it away where it is there."""
    put_or_take("greeter", {"cli.py": GREETER})


def change_prompts(args):
    """The same with a program that has a prompt."""
    manifest = "[[prompts]]\nname = 'greeting'\ndescription = 'Says hello.'\nfile = 'greeting.txt'\n"
    put_or_take("prompter", {"cli.py": GREETER, "greeting.txt": "Say hello.\n", "plugin.toml": manifest})


def put_or_take(name, files):
    beside = pathlib.Path.cwd().parent / name
    if beside.exists():
        shutil.rmtree(beside)
        print("The %s is gone." % name)
    else:
        beside.mkdir()
        for file, text in files.items():
            (beside / file).write_text(text)
        print("The %s is there." % name)


COMMANDS = {
    "let-model-say": (let_model_say, "let the client's model answer a prompt"),
    "let-user-fill-in": (let_user_fill_in, "let the user fill in a form"),
    "defaults": (defaults, "show a form whose fields have defaults"),
    "choices": (choices, "show a form with all kinds of choices"),
    "greet": (greet, "ask for a name"),
    "capital": (capital, "ask the model a question"),
    "roots": (roots, "ask for the client's roots"),
    "keep-state": (keep_state, "ask for a yes and keep a state meanwhile"),
    "guard-state": (keep_state, "ask for a yes and keep a state that nobody else can change"),
    "everything": (everything, "ask three things at a time"),
    "steps": (steps, "ask one thing after another"),
    "what-is-possible": (what_is_possible, "ask for what the client can be asked"),
    "need-model": (capital, "ask the model, whether the client has one or not"),
    "need-user": (greet, "ask the user"),
    "prompt": (prompt, "print a prompt about what the user says"),
    "change-tools": (change_tools, "change which tools there are"),
    "change-prompts": (change_prompts, "change which prompts there are"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = {}
    for name, (run, description) in COMMANDS.items():
        made[name] = commands.add_parser(name, help=description, description=description)
        made[name].set_defaults(run=run)
    made["let-model-say"].add_argument("prompt", help="what to ask")
    made["let-user-fill-in"].add_argument("message", help="what to say to the user")
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())

"""A program in which `Settings` has one setting more: prints where it arrives. The argument is a folder to work in."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

NAME = "gates.portable.settings.run"
DECLARED = '    fake: int = option(WHOLE, "A fake setting.", default=0, tables=_TOP, asks=True, plugin=True)\n'


def declare_it() -> None:
    """Load the module of the settings with one more line in it."""
    spec = importlib.util.find_spec(NAME)
    assert spec is not None
    assert spec.origin is not None
    module = importlib.util.module_from_spec(spec)
    source = Path(spec.origin).read_text(encoding="utf-8")
    changed = source.replace("    profile: str = option(", f"{DECLARED}    profile: str = option(", 1)
    assert changed != source
    sys.modules[NAME] = module
    exec(compile(changed, spec.origin, "exec"), module.__dict__)


def where_it_arrives(folder: Path) -> dict[str, object]:
    """Each place that shows settings → what it shows of the new one."""
    from click.shell_completion import ShellComplete
    from click.testing import CliRunner

    from gates.cli import cli
    from gates.config.request import Request
    from gates.config.schema import config_schema
    from gates.planning.plan import make_plan
    from gates.portable.errors import ManyErrors
    from gates.portable.settings.plugin import PluginSettings
    from gates.run.start import gate_environment
    from tests.gates.config.reference import page
    from tests.gates.config.sample import load
    from tests.gates.planning.test_plan import a_gate
    from tests.gates.run.making import surroundings

    config = load(folder, "fake = 1\n[profile.some]\nfake = 2\n")
    gates = (a_gate("test", tests="pytest"),)
    requests = {"config": Request(), "profile": Request(profile="some"), "option": Request(profile="some", fake=3)}  # type: ignore[call-arg]
    plans = {name: make_plan(config, gates, request) for name, request in requests.items()}
    told = gate_environment(plans["option"].gates[0], 1, surroundings(folder, plans["option"]), folder)["GATES_PYTEST"]
    os.chdir(folder)
    shown = CliRunner().invoke(cli, ["show-config", "-p", "some"], env={"GATES_FAKE": "4"}).output
    mistakes: list[tuple[str, ...]] = []
    try:
        load(folder, "fkae = 1\nfake = -1\n")
    except ManyErrors as error:
        mistakes = [(each.place, each.what, each.expected, each.remedy) for each in error.errors]
    return {
        "help": "--fake N" in CliRunner().invoke(cli, ["run", "--help"]).output,
        "completion": [one.value for one in ShellComplete(cli, {}, "gates", "").get_completions(["run"], "--fa")],
        "precedence": {name: plan.settings.given["fake"] for name, plan in plans.items()},
        "asks": plans["option"].asks,
        "plugin": [json.loads(told)["fake"], PluginSettings.from_json(told).given["fake"]],
        "show-config": next(line.split() for line in shown.splitlines() if line.startswith("fake")),
        "mistakes": mistakes,
        "schema": config_schema()["properties"]["fake"],
        "reference": page("<!-- settings: options -->\n<!-- end -->").count("`GATES_FAKE`"),
    }


if __name__ == "__main__":
    declare_it()
    print(json.dumps(where_it_arrives(Path(sys.argv[1]))))

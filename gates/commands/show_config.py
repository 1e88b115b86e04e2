"""`gates show-config`: the settings of a run or of a test, each with where it comes from."""

from __future__ import annotations

from pathlib import Path

from gates.config import Config, Profile, load_config
from gates.config.load import place_in
from gates.config.request import Request
from gates.planning.gate_choice import profile_of
from gates.planning.plan import settled
from gates.planning.test_queries import settings_of, shown
from gates.portable.settings.declare import Setting


def run_settings(root: Path, request: Request) -> str:
    """One setting per line, as in a config.

    Raises:
        GatesError: the config is invalid, or has no such profile.
    """
    config = load_config(root)
    profile = profile_of(config, request)
    given = {**config.given, **profile.given, **request.given, **settled(request, profile, config).given}
    known = {**profile.SETTINGS, **config.SETTINGS}
    width = max(len(one.key) for one in known.values())
    return "".join(
        f"{one.key:<{width}} = {_value(one, given.get(name, one.default)):<24}"
        f"  # {_source(one, request, profile, config)}\n"
        for name, one in known.items()
    )


def settings_of_test(root: Path, request: Request, test: str) -> str:
    """The same for a test of the project.

    Raises:
        GatesError: no test, or more than one, has the name; or the tests cannot be listed.
    """
    from gates.pipeline.collect import tests_of_project

    return settings_of(tests_of_project(root, request), test)


def _value(setting: Setting, value: object) -> str:
    said = setting.unset.strip("`")
    return (said or "none") if value in (None, "") or (said and value == setting.default) else shown(value)


def _source(setting: Setting, request: Request, profile: Profile, config: Config) -> str:
    found = [request.source(setting.name)] if setting.name in request.given else []
    if setting.name in profile.given:
        found.append(place_in(config, ("profile", profile.name, setting.key)))
    if setting.name in config.given:
        found.append(place_in(config, (setting.key,)))
    # Only for filters do several places all apply; for anything else the first place decides.
    return " and ".join(found[: None if setting.name == "filter" else 1]) or "default"

"""The checklist: one session per gate, tagged "gate", runnable alone; session `gates` runs them all.

`nox -l` shows the sessions. Environments are made from the lock files in requirements/ and kept; `nox -s lock` remakes
the locks. Arguments after `--` go to the tool that the session runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent
# nox's own environment holds nox and uv, not us: the helpers need only what nox needs, and come from this folder.
sys.path.insert(0, str(ROOT))

from gates.noxtools import environments, interpreters, locks  # noqa: E402
from gates.noxtools.export import export  # noqa: E402
from gates.noxtools.forward import run_forwarding  # noqa: E402
from gates.noxtools.outcome import could_not_run  # noqa: E402
from gates.noxtools.wheels import wheel_problems  # noqa: E402

nox.needs_version = ">=2026.8.10"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.tags = ["gate"]

TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = TABLES["project"]
PROJECT_TESTS = TABLES["dependency-groups"]["test"]
PYTHON: str = PROJECT["requires-python"]
RUNNING = interpreters.Interpreter(tuple(sys.version_info[:3]), Path(sys.executable), "running")
FOUND = interpreters.candidates(os.environ, Path.home(), RUNNING)
PACKAGES = ("gates", "kvcache")
OF_EXTRAS = sorted(
    Requirement(text).name.replace("-", "_").removesuffix("_python")  # llama-cpp-python is imported as llama_cpp
    for extra in PROJECT["optional-dependencies"].values()
    for text in extra
)
"""What only extras bring: modules that need one of them cannot be imported everywhere."""
ENTRY_POINTS = ("gates = gates.cli:main", "gates.pytest_plugin = gates.pytest_plugin")
INTERRUPTED = 130
LOCKS = (
    locks.Lock("nox", groups=("nox",)),
    locks.Lock("runtime", project=True),
    locks.Lock("gates", groups=("nox", "build"), project=True),
    locks.Lock("build", groups=("build",)),
    locks.Lock("lint", groups=("lint",)),
    locks.Lock("types", groups=("types",), project=True),
    locks.Lock("docs", groups=("docs",), project=True),
    locks.Lock("test", groups=("test", "extras"), project=True),
    locks.Lock("bench", groups=("bench",), project=True),
    locks.Lock("plugins", groups=("plugins",), project=True),
    locks.Lock("static", groups=("static",), project=True),
    locks.Lock("min-python", groups=("min-python",), project=True, resolution="lowest-direct"),
)


def prepare(
    session: nox.Session, lock: str, *, project: bool = False, interpreter: interpreters.Interpreter = RUNNING
) -> None:
    """Bring the session's environment in line with its lock file, and install the project where it is asked for."""
    # Without compiled files every tool of the gate starts in twice the time.
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    environment = Path(session.virtualenv.location)
    source = ROOT / "requirements" / f"{lock}.txt"
    files = (source, ROOT / "pyproject.toml", ROOT / "gates" / "__init__.py") if project else (source,)
    wanted = environments.stamp(ROOT, files, (str(interpreter), "editable" if project else ""))
    if environments.is_current(environment, wanted):
        return
    settings = {"UV_COMPILE_BYTECODE": "1"}
    if environments.python_of(environment) != interpreter.version:
        # nox keeps an environment whatever interpreter it was made with.
        session.run_install("uv", "venv", "--quiet", "--clear", "--python", str(interpreter.path), str(environment))
    session.run_install("uv", "pip", "sync", "--quiet", "--require-hashes", str(source), env=settings)
    if project:
        # Not isolated: hatchling comes from the lock, with its hash, like everything else.
        words = ("--no-deps", "--no-build-isolation", "--editable", ".")
        session.run_install("uv", "pip", "install", "--quiet", *words, env=settings)
    if environment.is_dir():
        (environment / environments.STAMP).write_text(wanted, encoding="utf-8")


def complain(session: nox.Session, problems: tuple[str, ...]) -> None:
    """End the session as failed when there are problems; all of them are shown."""
    for problem in problems:
        session.warn(problem)
    if problems:
        session.error(f"{len(problems)} problem(s), see above")


@nox.session(tags=["gate"])
def build(session: nox.Session) -> None:
    """Lock files fit; sdist and wheel from a clean export, warnings as errors; installed, imported, looked into."""
    complain(session, locks.problems(ROOT, LOCKS))
    prepare(session, "build")
    with tempfile.TemporaryDirectory(prefix="gates-build-") as temporary:
        folder = Path(temporary)
        session.log(f"exported {export(ROOT, folder / 'source')} files")
        strict = {"PYTHONWARNINGS": "error"}
        words = ("--no-isolation", "--outdir", str(folder / "dist"), str(folder / "source"))
        session.run("python", "-W", "error", "-m", "build", *words, env=strict)
        wheel = next((folder / "dist").glob("*.whl"))
        complain(session, wheel_problems(wheel, PACKAGES, ENTRY_POINTS))
        try_wheel(session, wheel, folder / "environment")


def try_wheel(session: nox.Session, wheel: Path, environment: Path) -> None:
    """Install the wheel into a fresh environment and use it from a folder that is not the repository."""
    lock = ROOT / "requirements" / "runtime.txt"
    python = str(environment / "bin" / "python")
    session.run("uv", "venv", "--quiet", "--python", sys.executable, str(environment))
    session.run("uv", "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock))
    session.run("uv", "pip", "install", "--quiet", "--no-deps", "--python", python, str(wheel))
    session.run("uv", "pip", "check", "--quiet", "--python", python)
    with session.chdir(environment):
        session.run(python, "-c", "import " + ", ".join(PACKAGES), external=True)
        session.run(str(environment / "bin" / "gates"), "--version", external=True)


@nox.session(tags=["gate"])
def lint(session: nox.Session) -> None:
    """Ruff's rules, the import layers, and the names of changelog fragments."""
    prepare(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("lint-imports", "--cache-dir", str(session.cache_dir / "import-linter"))
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session(tags=["gate"])
def types(session: nox.Session) -> None:
    """Strict mypy on packages, tests, benchmarks and this file."""
    prepare(session, "types")
    session.run("mypy", "--cache-dir", str(Path(session.virtualenv.location, "mypy-cache")), *session.posargs)


@nox.session(name="format", tags=["gate"])
def format_(session: nox.Session) -> None:
    """The formatter would change nothing (`nox -s format -- .` does it)."""
    prepare(session, "lint")
    session.run("ruff", "format", *(session.posargs or ["--check"]))


@nox.session(tags=["gate"])
def docs(session: nox.Session) -> None:
    """Strict build of the documentation: every warning about this project is an error."""
    prepare(session, "docs")
    output = Path(session.virtualenv.location, "html")
    # -E: what an earlier build has read gives no warnings any more, and a second try would pass.
    words = ("-q", "-E", "-W", "--keep-going", "-b", "html", *session.posargs)
    session.run("sphinx-build", *words, "docs", str(output))


@nox.session(tags=["gate"])
def min_python(session: nox.Session) -> None:
    """The lowest supported Python with the lowest direct dependencies; a static check where it is not installed."""
    interpreter = interpreters.oldest(PYTHON, FOUND)
    if interpreter is None:
        check_statically(session)
        could_not_run(session, "static check only")
    prepare(session, "min-python", project=True, interpreter=interpreter)
    session.run("python", "-m", "gates.noxtools.modules", *PACKAGES, "without", *OF_EXTRAS)
    cache = Path(session.virtualenv.location, "mypy-cache")
    version = ".".join(map(str, interpreter.minor))
    session.run("mypy", "--cache-dir", str(cache), "--python-version", version, *PACKAGES)
    session.run("python", "-m", "pytest", *xdist(), *(session.posargs or ["tests/kvcache"]))


def check_statically(session: nox.Session) -> None:
    """Read the source for what the lowest Python lacks: its syntax and library, its types, its lint rules."""
    prepare(session, "static")
    major, minor = interpreters.lowest(PYTHON)
    cache = Path(session.virtualenv.location, "mypy-cache")
    session.run("vermin", "--quiet", "--no-tips", "--violations", f"--target={major}.{minor}-", *PACKAGES)
    session.run("mypy", "--cache-dir", str(cache), "--python-version", f"{major}.{minor}", *PACKAGES)
    session.run("ruff", "check", "--target-version", f"py{major}{minor}", *PACKAGES)


def xdist() -> tuple[str, ...]:
    """Arguments for at least one worker: a crash or a hang must cost one test, not the session."""
    durations = ROOT / "reports" / "tests.jsonl"
    # Under `gates run` that file is being written, and the runner itself says how many workers there are.
    known = durations.is_file() and "GATES_INBOX" not in os.environ
    chosen = ("--gates-workers-from", str(durations)) if known else ()
    # `load` and `worksteal` alone lose no test when a worker crashes.
    return ("-n", "auto", *chosen, "--dist", "worksteal")


def run_tests(session: nox.Session, interpreter: interpreters.Interpreter, *words: str) -> None:
    """Run tests, but the excluded ones, on the interpreter."""
    prepare(session, "test", project=True, interpreter=interpreter)
    session.run("python", "-m", "pytest", *xdist(), *words)


@nox.session(tags=["gate"])
def test(session: nox.Session) -> None:
    """All tests but the excluded ones, under xdist."""
    run_tests(session, RUNNING, *session.posargs)


@nox.session(tags=["gate"])
def newest_python(session: nox.Session) -> None:
    """The tests that are not slow on the newest Python of this machine, where it is newer than the one that runs nox."""
    interpreter = interpreters.newest(PYTHON, FOUND, RUNNING)
    if interpreter is None:
        could_not_run(session, f"no Python newer than {RUNNING}, which the other gates run on")
    run_tests(session, interpreter, *(session.posargs or ["-m", "not slow"]))


def declare_test(interpreter: interpreters.Interpreter) -> None:
    """Declare the session `test-X.Y` for an interpreter that was found on this machine."""
    version = ".".join(map(str, interpreter.minor))

    def run(session: nox.Session) -> None:
        known = interpreters.verified(interpreter)
        if known is None:
            could_not_run(session, f"Python {version} was found but does not run")
        run_tests(session, known, *session.posargs)

    run.__doc__ = f"The same tests on Python {version}."
    nox.session(name=f"test-{version}")(run)


for newer in interpreters.supported(PYTHON, FOUND)[1:]:
    declare_test(newer)


@nox.session
def lock(session: nox.Session) -> None:
    """Remake requirements/*.txt (`-- --upgrade`: with the newest versions)."""
    python = interpreters.lowest(PYTHON)
    locks.remake(ROOT, LOCKS, python, lambda words: session.run(*words), upgrade="--upgrade" in session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Move the changelog fragments under the heading of a release: `nox -s release -- 0.2.0`."""
    if len(session.posargs) != 1:
        session.error("expected one version: nox -s release -- 0.2.0")
    prepare(session, "lint")
    session.run("towncrier", "build", "--yes", "--version", session.posargs[0])


@nox.session
def bench(session: nox.Session) -> None:
    """Measure every claim about speed (`-- NAME --json` for one of them, as JSON)."""
    prepare(session, "bench", project=True)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the filter language for a minute (`-- --seconds 600 --seed 1`)."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.gates.portable.filters.fuzz", *session.posargs)


@nox.session
def zoo(session: nox.Session) -> None:
    """Run bad tests in random mixes, and see that none is lost (`-- --runs 200 --seed 1`, `-- --full`)."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.integration.zoo", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Run commands beside files and links of the user, and see that none is lost (`-- --runs 200 --seed 1`)."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.integration.soak", *session.posargs)


@nox.session
def killed(session: nox.Session) -> None:
    """Kill runs at random moments, and close their terminals: nothing is lost (`-- --runs 60 --terminals 10 --seed 1`)."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.integration.killed", *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """What the statistics of times find and what they invent (`-- --comparisons 1000 --seed 1`, `-- --real 60`)."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.gates.compare.simulate", *session.posargs)


@nox.session
def alike(session: nox.Session) -> None:
    """Compare a branch that changes nothing with its base (`-- --runs 20 --budget 90`); `-- --planted` for real changes."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.integration.alike", *session.posargs)


@nox.session
def lies(session: nox.Session) -> None:
    """Ask pytest, xdist, nox, tox, a shell script and gates about every way to look green (`-- NAME --show`, `-- --write`)."""
    prepare(session, "bench", project=True)
    session.run("python", "-m", "tests.lies", *session.posargs)


@nox.session(venv_backend="venv")
def models(session: nox.Session) -> None:
    """The integrations of kvcache with real torch, transformers and the other extras; torch takes gigabytes (`-- -k llama`)."""
    # pip, because it can be told where a torch for CPUs is: PIP_CONSTRAINT, PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL.
    session.install("--editable", ".[transformers,bfloat16,lmdb,redis,onnxruntime]", "onnx", *PROJECT_TESTS)
    session.run(
        "python", "-m", "pytest", *(session.posargs or ["tests/kvcache/integrations", "tests/kvcache/encodings"])
    )


@nox.session
def plugins(session: nox.Session) -> None:
    """Run gates beside other people's pytest plugins, and see that every outcome is told (`-- NAME`, `-- --write`)."""
    prepare(session, "plugins", project=True)
    session.run("python", "-m", "tests.plugins", *session.posargs)


@nox.session
def picture(session: nox.Session) -> None:
    """Draw the pictures of README and docs again, from real runs: a terminal, plots and, with a browser, pages."""
    prepare(session, "test", project=True)
    session.run("python", "-m", "tests.readme.picture")
    session.run("python", "-m", "tests.readme.screenshots")


@nox.session
def gates(session: nox.Session) -> None:
    """The main job: every gate on the working tree, with a summary in reports/."""
    prepare(session, "gates", project=True)
    around = {**os.environ, **session.env, "PATH": os.pathsep.join([*(session.bin_paths or []), os.environ["PATH"]])}
    # Not session.run: nox dies of SIGTERM without telling what it started.
    code = run_forwarding(
        [str(Path(session.bin, "python")), "-m", "gates", "run", *session.posargs],
        {name: value for name, value in around.items() if value is not None},
    )
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        session.error(f"gates run ended with exit code {code}")

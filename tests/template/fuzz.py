"""schemathesis against a service that runs: no 5xx, no undocumented status, nothing its OpenAPI does not say.

Run by the nox session `fuzz`:  python tests/template/fuzz.py FRAMEWORK [options of schemathesis]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template.harness import ROOT, generate, snapshot
from tests.template.services import ACCOUNT, Served, say

BIN = Path(sys.executable).parent
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
)
# what would end the session that the other requests need
ENDING = (
    *("log_out_api_v1_auth_logout_post", "log_out_everywhere_api_v1_auth_logout_all_post"),
    "delete_own_account_api_v1_users_me_delete",
)
SHORT = ("--max-examples=15", "--max-time=20")
SETTINGS = {
    "RATE_LIMIT_ENABLED": "false",
    "BCRYPT_ROUNDS": "4",
    "LOG_LEVEL": "WARNING",
    "PYTHONPATH": "src",
}


def main(framework: str, options: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        template = snapshot(Path(name) / "template")
        answers = {"framework": framework, "bedplate_source": str(ROOT)}
        folder = generate(template, Path(name) / "service", **answers)
        with Served(folder, (str(BIN / "bedplate"), "serve"), SETTINGS) as service:
            service.demand(201, "/users", ACCOUNT)
            form = (("username", ACCOUNT["email"]), ("password", ACCOUNT["password"]))
            token = service.demand(200, "/auth/token", form)["access_token"]
            say("without a token")
            attack(service, options)
            say("with the token of somebody who is signed in")
            keep = [part for ending in ENDING for part in ("--exclude-operation-id", ending)]
            attack(service, [*options, *keep, "-H", f"Authorization: Bearer {token}"])
            if "Traceback" in service.output():
                sys.exit(f"something went wrong inside:\n{service.output()}")
    say(f"done: {framework} answers as its OpenAPI says")


def attack(service: Served, options: list[str]) -> None:
    """Send what schemathesis makes of the document, and end everything if an answer is wrong."""
    url = f"http://127.0.0.1:{service.port}"
    command = [
        str(BIN / "schemathesis"),
        "run",
        f"{url}/openapi.json",
        "--checks",
        ",".join(CHECKS),
    ]
    quiet = ["--no-color", "--suppress-health-check=all", "--warnings=off", "--continue-on-failure"]
    done = subprocess.run([*command, *quiet, *options], cwd=service.folder, check=False)
    if done.returncode:
        sys.exit(f"{service.output()[-3000:]}\nschemathesis found something")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(SHORT))

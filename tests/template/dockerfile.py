"""What a Dockerfile does, done in a folder instead of an image: for machines without Docker.

Not a builder of images: it knows the instructions that the template uses and refuses every other one.
Each stage has a root folder of the same name in its turn, so that what a stage before has written (the
shebangs of a virtual environment) is as true in the next one as it is in an image.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from tests.template.services import say


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continued lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Give what follows the name: a JSON list, or words as a shell splits them."""
        text = re.sub(r"^(--\S+\s+)*", "", self.text)
        if text.startswith("["):
            words: list[str] = json.loads(text)
            return words
        return shlex.split(text)

    @property
    def options(self) -> dict[str, str]:
        """Give the options that stand before the rest."""
        return dict(re.findall(r"(?:^|\s)--([\w-]+)=(\S+)", self.text))

    @property
    def shell(self) -> str:
        """Give what a shell runs."""
        return re.sub(r"^(--\S+\s+)*", "", self.text)


def parse(text: str) -> list[Instruction]:
    """Read a Dockerfile.

    Raises:
        ValueError: a line is no instruction.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found = []
    for line in filter(str.strip, joined.splitlines()):
        match = re.fullmatch(r"([A-Z]+)\s+(.*)", line.strip())
        if match is None:
            raise ValueError(f"this is no instruction: {line}")
        found.append(Instruction(match[1], match[2]))
    return found


@dataclass
class Image:
    """What the last stage came to."""

    root: Path
    folder: Path
    environment: dict[str, str]
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    user: str = ""
    ports: list[int] = field(default_factory=list)


def build(
    dockerfile: str, contexts: Mapping[str, Path], home: Path, environment: Mapping[str, str]
) -> Image:
    """Carry out a Dockerfile in an empty folder.

    Args:
        dockerfile: its text.
        contexts: what may be copied, by name; the main one, with its ``.dockerignore``, is ``""``.
        home: an empty folder.
        environment: what programs need on this machine; PATH is given to them by the stages.

    Raises:
        ValueError: an instruction is not known here.
        CalledProcessError: a command of a RUN has failed.
    """
    return _Builder(contexts, home, dict(environment)).build(parse(dockerfile))


class _Builder:
    def __init__(self, contexts: Mapping[str, Path], home: Path, machine: dict[str, str]) -> None:
        self._contexts = contexts
        self._home = home
        self._machine = machine
        self._stages: dict[str, Path] = {}
        self._stage = ""
        self._image: Image | None = None
        self._needs_pip = False

    def build(self, instructions: list[Instruction]) -> Image:
        self._needs_pip = any("pip " in instruction.text for instruction in instructions)
        act: dict[str, Callable[[Instruction], None]] = {
            "FROM": self._from,
            "RUN": self._run,
            "COPY": self._copy,
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "USER": self._user,
            "EXPOSE": self._expose,
            "HEALTHCHECK": self._healthcheck,
            "CMD": self._cmd,
        }
        for instruction in instructions:
            if instruction.name not in act:
                raise ValueError(f"{instruction.name} is not known here")
            act[instruction.name](instruction)
        return self._built

    @property
    def _built(self) -> Image:
        if self._image is None:
            raise ValueError("the first instruction must be FROM")
        return self._image

    def _inside(self, path: str) -> Path:
        """Give where a path of the image lies here."""
        if path.startswith("/"):
            return self._built.root / path.lstrip("/")
        return self._built.folder / path

    def _from(self, instruction: Instruction) -> None:
        image, *alias = re.split(r"\s+AS\s+", instruction.text)
        if not re.fullmatch(r"python:3\.\d+(-slim)?", image):
            raise ValueError(f"{image} is an image that nothing here stands for")
        if self._image is not None:  # the stage before moves away
            kept = self._home / "stages" / self._stage
            kept.parent.mkdir(exist_ok=True)
            self._image.root.rename(kept)
            self._stages[self._stage] = kept
        self._stage = alias[0] if alias else "last"
        python = self._home / "pythons" / self._stage  # a Python with pip and nothing else
        without = () if self._needs_pip else ("--without-pip",)
        subprocess.run([sys.executable, "-m", "venv", *without, str(python)], check=True)
        root = self._home / "root"
        root.mkdir()
        programs = f"{python / 'bin'}:{os.defpath}"
        self._image = Image(root, root, {"PATH": programs, "HOME": str(self._home)})

    def _run(self, instruction: Instruction) -> None:
        say(f"RUN {instruction.shell}")
        environment = self._machine | self._built.environment
        environment |= {"UV_CACHE_DIR": self._machine.get("UV_CACHE_DIR", "")}  # what the mount is
        environment = {name: value for name, value in environment.items() if value}
        subprocess.run(
            ["sh", "-ec", instruction.shell], cwd=self._built.folder, env=environment, check=True
        )

    def _copy(self, instruction: Instruction) -> None:
        *sources, target = instruction.words
        origin = instruction.options.get("from", "")
        into = self._inside(target)
        for source in sources:
            if origin in self._stages:
                found = self._stages[origin] / source.lstrip("/")
            else:
                found = self._contexts[origin] / source
                if not origin and _ignored(self._contexts[""], source):
                    raise ValueError(f"{source} is kept away by .dockerignore")
            if source == "." and origin:
                continue  # lies where it is: the folder of the machine that builds has the same name
            if found.is_dir():
                shutil.copytree(found, into, symlinks=True, dirs_exist_ok=True)
            else:
                several = target.endswith("/") or target == "."
                destination = into / Path(source).name if several else into
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, destination)

    def _env(self, instruction: Instruction) -> None:
        environment = self._built.environment
        for word in instruction.words:
            name, _, value = word.partition("=")
            value = re.sub(r"(?<![\w.])/srv\b", str(self._inside("/srv")), value)
            environment[name] = re.sub(r"\$(\w+)", lambda used: environment.get(used[1], ""), value)

    def _workdir(self, instruction: Instruction) -> None:
        self._built.folder = self._inside(instruction.text)
        self._built.folder.mkdir(parents=True, exist_ok=True)

    def _user(self, instruction: Instruction) -> None:
        self._built.user = instruction.text

    def _expose(self, instruction: Instruction) -> None:
        self._built.ports = [int(word) for word in instruction.words]

    def _healthcheck(self, instruction: Instruction) -> None:
        self._built.health = json.loads(instruction.text.partition("CMD ")[2])

    def _cmd(self, instruction: Instruction) -> None:
        self._built.command = json.loads(instruction.text)


def _ignored(context: Path, source: str) -> bool:
    """Tell whether .dockerignore keeps a path away; the last pattern that matches decides."""
    ignored = False
    path = PurePosixPath(source)
    for line in (context / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and any(fnmatch(str(part), pattern) for part in (path, *path.parents)):
            ignored = not line.startswith("!")
    return ignored

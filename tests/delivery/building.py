"""The Dockerfile's steps, run in a directory instead of a container: every path begins there, all else is as it stands.

The base image is a virtual environment of this Python, with pip. What a step would fetch, and what this Python has at
the very version that is pinned, is copied into the step's new environment before pip looks: it finds its work done.
"""

import os
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import distributions, version
from pathlib import Path

import dockerfile

ROOT = Path(__file__).parents[2]
ABSOLUTE = re.compile(r"(^|[\s=])/(?=[a-z])")
PINNED = re.compile(r"^([a-z0-9.-]+)(?:\[.*\])?==(\S+)", re.MULTILINE)
FILLED = re.compile(r"--python (\S+)/bin/python install --require-hashes -r (\S+)$")
# What is in the base image, or has no part in how Mina runs.
DECLARED = {"LABEL", "EXPOSE"}


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction and its words."""

    name: str
    words: tuple[str, ...]
    flags: dict[str, str]


def steps_of(path: Path) -> list[Step]:
    """The Dockerfile's instructions, by Docker's own parser."""
    return [
        Step(each.cmd, each.value, dict(flag.removeprefix("--").split("=", 1) for flag in each.flags))
        for each in dockerfile.parse_file(str(path))
    ]


@dataclass
class Image:
    """What the last stage leaves: a root, an environment, a user, and what is run in it."""

    root: Path
    base: Path
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    ending: str = ""

    def at(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / Path(self.directory, path).relative_to("/")

    def there(self, text: str) -> str:
        """Words of the Dockerfile, their absolute paths being in the root."""
        return ABSOLUTE.sub(rf"\1{self.root}/", text)


def build(steps: Sequence[Step], directory: Path) -> Image:
    """Run all stages in turn; raises CalledProcessError with what a step wrote."""
    base = directory / "base"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(base)], check=True, capture_output=True)
    _give(base, {"pip": version("pip")})
    image, stages, name = Image(directory / "root", base), dict[str, Path](), "last"
    for step in steps:
        if step.name == "FROM":
            if image.root.exists():
                stages[name] = image.root.rename(directory / f"stage-{name}")
            name = step.words[2] if len(step.words) == 3 else "last"
            image = Image(directory / "root", base, {"PATH": f"{base}/bin:/usr/bin:/bin"})
            image.root.mkdir()
        elif step.name not in DECLARED:
            _take(image, step, stages)
    return image


def _take(image: Image, step: Step, stages: dict[str, Path]) -> None:
    match step.name:
        case "ENV":
            for key, value in zip(step.words[::2], step.words[1::2], strict=True):
                expanded = string.Template(value).substitute(image.environment)
                image.environment[key] = expanded if key != "PATH" else _first_moved(image, value, expanded)
        case "WORKDIR":
            image.directory = step.words[0]
            image.at(".").mkdir(parents=True, exist_ok=True)
        case "COPY":
            _copy(image, step, stages)
        case "RUN":
            _run(image, step.words[0])
        case "USER":
            (image.user,) = step.words
        case "CMD":
            image.command = step.words
        case "HEALTHCHECK":
            image.health = step.words[1:]
        case "STOPSIGNAL":
            (image.ending,) = step.words
        case "ARG":
            return
        case unknown:
            raise NotImplementedError(unknown)


def _first_moved(image: Image, value: str, expanded: str) -> str:
    """A PATH whose first part, which the Dockerfile writes, is in the root."""
    first = value.split(":")[0]
    return expanded.replace(first, image.there(first), 1)


def _copy(image: Image, step: Step, stages: dict[str, Path]) -> None:
    *sources, target = step.words
    for source in sources:
        found = stages[step.flags["from"]] / source.lstrip("/") if "from" in step.flags else ROOT / source
        into = image.at(target)
        if target.endswith("/"):
            into = into / found.name
        into.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, into, symlinks=True, ignore=None if "from" in step.flags else _ignored)
        else:
            shutil.copy2(found, into)


_ignored = shutil.ignore_patterns("__pycache__")


def _run(image: Image, line: str) -> None:
    for part in line.split("&&"):
        if (filled := FILLED.search(part.strip())) is not None:
            _give(image.at(filled[1]), dict(PINNED.findall(image.at(filled[2]).read_text())))
        _shell(image, part.strip())


def _shell(image: Image, line: str) -> None:
    given = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
    environment = {**given, **image.environment}
    environment.pop("PIP_NO_CACHE_DIR", None)
    done = subprocess.run(
        ["sh", "-eu", "-c", image.there(line)],
        cwd=image.at("."),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}"


def _give(environment: Path, pinned: dict[str, str]) -> None:
    """Copy into a virtual environment what is pinned, as far as this Python has that version of it."""
    (target,) = environment.glob("lib/python3*/site-packages")
    for found in distributions():
        if pinned.get(re.sub(r"[-_.]+", "-", found.name).lower()) != found.version:
            continue
        for file in found.files or ():
            if ".." not in file.parts and (source := Path(str(found.locate_file(file)))).exists():
                into = target / file
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, into)

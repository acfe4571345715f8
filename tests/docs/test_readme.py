"""`README.md` and `llms.txt`: the figures are those of the results, and what is named is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MEASURED = README.split("### Measured\n")[1].split("\n## ")[0]
ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| \[\w+\]\(([^)]+)\) \|$", re.MULTILINE)


class TestMeasured:
    def test_has_the_figures_of_the_results(self) -> None:
        rows = ROW.findall(MEASURED)

        assert len(rows) >= 5
        for figures, page in rows:
            measured = set(re.findall(r"\d+(?:\.\d+)?", (ROOT / page).read_text().replace(",", "")))
            said = re.findall(r"(?<![p\w])\d+(?:\.\d+)?", figures.replace(",", ""))
            assert said and set(said) <= measured, figures

    def test_leads_to_every_page_of_results(self) -> None:
        pages = {path.name for path in (ROOT / "benchmarks/results").glob("*.md")}

        assert pages <= set(re.findall(r"benchmarks/results/([\w.]+)", MEASURED))


class TestTheMap:
    def test_names_paths_that_there_are(self) -> None:
        text = (ROOT / "llms.txt").read_text()
        named = set(re.findall(r"\b(?:mina_api|tests|deploy|docs|alembic)/[\w./]*\w", text))

        assert len(named) > 20
        assert {path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()} == set()

    def test_is_one_screen(self) -> None:
        assert len((ROOT / "llms.txt").read_text().splitlines()) <= 50

    def test_names_every_module(self) -> None:
        layers = re.search(r"^main > .*$", (ROOT / "llms.txt").read_text(), re.MULTILINE)
        there = {path.stem for path in (ROOT / "mina_api").iterdir() if not path.name.startswith("_")}

        assert layers is not None
        assert set(re.split(" > |, ", layers[0])) == there

"""The rules that readers and tests name are places in the specification, and each place with rules is named by one of them."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
SPEC = ROOT / "spec"
# What is no rule for a single reader: words, pictures, how the format changes, and what a writer does beside others.
WITHOUT_RULES = {
    "README.md", "reading.md", "versions.md", "commit.md", "limits.md", "layout.md#removal", "layout.md#durability", "layout.md#clones", "partition.md#rolling",
    "tensor-pages.md#reserved", "schema.md#encodings",
}


# What is a table of cases: the golden dataset that holds them, whose rows are written down.
BY_GOLDEN = {"schema.md#dtypes": "zoo", "tensor-pages.md#other-pages": "zoo", "tensor-pages.md#edge-cases": "pages"}


def anchors(path: pathlib.Path) -> set[str]:
    """The places of a document: itself, and its headings as they are linked to."""
    headings = re.findall(r"^#{2,} (.+)$", path.read_text(), re.MULTILINE)
    slug = lambda heading: re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")  # noqa: E731
    return {path.name, *(f"{path.name}#{slug(heading)}" for heading in headings)}


PLACES = set().union(*(anchors(path) for path in SPEC.glob("*.md"))) | {"manifest.schema.json"}


def named() -> set[str]:
    sources = [*(ROOT / "tests/second_reader").rglob("*.py")]
    found = set()
    for source in sources:
        if source.name != pathlib.Path(__file__).name:
            found |= set(re.findall(r"(?:[a-z-]+\.md(?:#[\w-]+)?)|manifest\.schema\.json", source.read_text()))
    return found


def test_every_rule_that_is_named_is_in_the_specification():
    assert len(named()) > 20 and named() <= PLACES, named() - PLACES


def test_every_place_with_rules_is_named():
    def is_covered(place: str) -> bool:
        document = place.partition("#")[0]
        return place in named() or place in WITHOUT_RULES or place in BY_GOLDEN or document in WITHOUT_RULES or ("#" not in place and any(n.startswith(place) for n in named()))

    assert all((ROOT / f"tests/golden/expected/{name}.jsonl").is_file() for name in BY_GOLDEN.values())
    missing = sorted(place for place in PLACES if not is_covered(place))
    assert missing == []


def test_links_between_documents_lead_somewhere():
    broken = []
    for path in SPEC.glob("*.md"):
        for target in re.findall(r"\]\(([\w./-]+\.(?:md|json))(?:#[\w-]+)?\)", path.read_text()):
            if not (SPEC / target).is_file():
                broken.append((path.name, target))
    assert broken == []

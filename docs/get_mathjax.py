"""Put MathJax 3 into docs/_static/mathjax, so that the built book shows its formulas with no network.

    python docs/get_mathjax.py

needs npm (any version) once; afterwards the files are there, git ignores them, and nothing is fetched again.
Only what a page loads is copied: the script that reads TeX, and the fonts that it writes with.
"""

import argparse
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
TARGET = DOCS / "_static" / "mathjax"
SCRIPT = "es5/tex-mml-chtml.js"
FONTS = "es5/output/chtml/fonts/woff-v2"
NO_NPM = (
    "docs: npm is not installed, so MathJax cannot be fetched and formulas would not be shown.\n"
    "      Install it (Debian: apt-get install npm) and run this again, or unpack the package\n"
    "      mathjax@3 yourself:\n"
    f"      {SCRIPT} and the folder {FONTS}\n      belong into docs/_static/mathjax/ under the same names."
)


def fetch(work: Path) -> Path:
    """Let npm download the package into `work`; return the archive's path."""
    work.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(NO_NPM)
    result = subprocess.run([npm, "pack", "mathjax@3", "--json"], cwd=work, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"docs: `npm pack mathjax@3` failed:\n{result.stderr.strip()}")
    return work / json.loads(result.stdout)[0]["filename"]


def install(archive: Path, target: Path) -> int:
    """Copy the script, its fonts and the licence out of the archive; return the number of files."""
    beside = target.with_name(target.name + ".part")  # renamed when complete: never half a MathJax
    shutil.rmtree(beside, ignore_errors=True)
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            name = member.name.removeprefix("package/")
            if member.isfile() and (name in (SCRIPT, "LICENSE") or name.startswith(FONTS + "/")):
                path = beside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                source = tar.extractfile(member)
                path.write_bytes(source.read())  # type: ignore[union-attr]
                count += 1
    if not (beside / SCRIPT).is_file():
        raise SystemExit(f"docs: {archive.name} holds no {SCRIPT}; is it MathJax 3?")
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description="Put MathJax 3 into docs/_static/mathjax.")
    parser.add_argument("--force", action="store_true", help="fetch again even if it is there")
    arguments = parser.parse_args()
    if (TARGET / SCRIPT).is_file() and not arguments.force:
        print("docs: MathJax is there already")
        return
    archive = fetch(DOCS.parent / "build" / "mathjax")
    print(f"docs: {install(archive, TARGET)} files of {archive.name} in docs/_static/mathjax")


if __name__ == "__main__":
    main()

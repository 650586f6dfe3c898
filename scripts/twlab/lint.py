# SPDX-License-Identifier: BSD-3-Clause
"""scripts/lint: the checks of the house style that a program can make."""
import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("app", "control", "fastpath", "ha", "tests", "scripts", "docs", ".ci")
FILE_LINES, FUNCTION_LINES = 1000, 120
SPDX = "SPDX-License-Identifier: BSD-3-Clause"
# Written so that this file does not match itself.
PROMISES = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|stu[b]|placeholde[r])\b")
MACHINE_PATH = re.compile(r"(^|[^\w.$}/-])/(wor[k]|hom[e]|far[m]|roo[t])/\w")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
REQUIREMENT = re.compile(r"^\| [\d., a-f]+ \|.*\| ([^|]+) \| ([^|]*) ?\|$")
TEST_OR_FILE = re.compile(r"(tests/[\w/.]+)|\b((?:RFC\d+|[A-Z]{3})-\d+)\b")
CASE = re.compile(r"^\| ([A-Z]{3})-(\d\d) \| .* \| ([^|]+) \|$")
NAMED_FILE = re.compile(r"(?<![\w/.-])((?:app|fastpath|control|ha|scripts|tests)/[\w/.-]*\w"
                        r"\.(?:c|h|py|build|md|flow|supp))\b")
TABLE_ROW = re.compile(r"^\tX\((\w+),", re.M)  # of a list of names in a header
HELP = re.compile(r'(?:help_str = |COMMAND_SHOW\(\w+, \w+, \w+,)\s*((?:"[^"]*"\s*)+)')
VIEW = re.compile(r'^static const struct view .*\{\n\t\.name = "([\w -]+)"', re.M)
MEMBER = re.compile(r'\b(?:row_\w+|json_object_set_new)\(\s*\w+,\s*"(\w+)"')
INCLUDE_UP = re.compile(r'^\s*#\s*include\s+"[^"]*\.\./')


def sources():
    """=> (path, text) of every text file of ours."""
    files = [p for f in FOLDERS for p in sorted((ROOT / f).rglob("*")) if p.is_file()]
    files += sorted(p for p in ROOT.glob("*") if p.is_file())
    for path in files:
        # In a worktree .git is a file of git's own.
        if "__pycache__" in path.parts or path.name in ("LICENSE", ".git"):
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a capture or another binary


def is_python(path, text):
    return path.suffix == ".py" or (path.suffix == "" and text.startswith("#!") and
                                    "python" in text.split("\n", 1)[0])


def c_functions(lines):
    """=> (line, length) of function bodies: a brace in column 0 opens and closes them."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def python_functions(text, path):
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check(path, text):
    """=> (line, complaint) of one file."""
    lines = text.split("\n")
    code = path.suffix in (".c", ".h") or path.name == "meson.build"
    python = is_python(path, text)
    if (code or python) and len(lines) > FILE_LINES:
        yield 1, f"{len(lines)} lines, at most {FILE_LINES}"
    functions = []
    if path.suffix in (".c", ".h"):
        functions = c_functions(lines)
        for number, line in enumerate(lines, 1):
            if INCLUDE_UP.match(line):
                yield number, "an include that leaves its folder"
    elif python:
        functions = python_functions(text, path)
    for number, length in functions:
        if length > FUNCTION_LINES:
            yield number, f"a function of {length} lines, at most {FUNCTION_LINES}"
    if path.suffix == ".c" and SPDX not in lines[0]:
        yield 1, "the first line is not the SPDX line"
    if path.suffix == ".md":
        for number, line in enumerate(lines, 1):
            for target in LINK.findall(line):
                if not (path.parent / target).exists():
                    yield number, f"a link to {target}, which is not there"
    for number, line in enumerate(lines, 1):
        found = PROMISES.search(line)
        if found:
            yield number, f"'{found.group()}'"
        if MACHINE_PATH.search(line) and not line.startswith("#!"):
            yield number, "an absolute path of a machine"
        if line != line.rstrip() and path.suffix != ".md":
            yield number, "white space at the end of the line"


def check_cases():
    """Does each case of docs/conformance.md stand in the test it names, and is none left out?"""
    page = ROOT / "docs/conformance.md"
    last = {}
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        row = CASE.match(line)
        if row is None:
            continue
        group, case, where = row.group(1), int(row.group(2)), row.group(3)
        if case != last.get(group, 0) + 1:
            yield page, number, f"{group}-{case:02} does not follow"
        last[group] = case
        if where.startswith("none: "):
            continue
        name = re.compile(rf"(?<![A-Za-z]){group}[-_]{case:02}(?!\d)")
        file = ROOT / where
        if not file.is_file() or not name.search(file.read_text(encoding="utf-8")):
            yield page, number, f"{group}-{case:02} is not in {where}"


def check_requirements():
    """Does each test of docs/nat-rfc.md stand in its file, and has whatever is met one?"""
    page = ROOT / "docs/nat-rfc.md"
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        row = REQUIREMENT.match(line)
        if row is None:
            continue
        here, tests = row.group(1), row.group(2).strip()
        if here.startswith(("yes", "setting", "partly")) and not tests:
            yield page, number, "is met, and has no test"
        file = ROOT / "tests/flow/nat.flow"
        for path, case in TEST_OR_FILE.findall(tests):
            if path:
                file = ROOT / path
            if not file.is_file():
                yield page, number, f"{path} is not there"
            elif case and f"\ncase {case} " not in "\n" + file.read_text(encoding="utf-8"):
                yield page, number, f"{case} is not in {file.relative_to(ROOT)}"
            if case:
                file = ROOT / "tests/flow/nat.flow"


def promised():
    """=> (page of docs/, what an operator will look for in it)."""
    for header, page in (("fastpath/drop.h", "console.md"), ("fastpath/defence.h", "defence.md")):
        for name in TABLE_ROW.findall((ROOT / header).read_text(encoding="utf-8")):
            yield page, f"`{name}`"
    for path in sorted(ROOT.glob("*/cmd_*.c")):
        text = path.read_text(encoding="utf-8")
        for help_text in HELP.findall(text):
            # "display port statistics NAME all: ..."; the page has optional words in brackets.
            yield "console.md", "".join(re.findall(r'"([^"]*)"', help_text)).split(":")[0]
        for view in VIEW.findall(text):
            if view != "reset":  # the answer of a command, which JSON cannot ask for
                yield "json.md", f"### {view}\n"
        page = "log.md" if path.stem == "cmd_log" else "json.md"
        for member in MEMBER.findall(text):
            yield page, f"`{member}`"


def check_docs():
    """Are the files that docs name there, and does docs name what the program has?"""
    pages = {p.name: p.read_text(encoding="utf-8")
             for p in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md")}
    for page, text in pages.items():
        for file in sorted(set(NAMED_FILE.findall(text))):
            if not (ROOT / file).exists():
                yield ROOT / "docs" / page, 1, f"names {file}, which is not there"
    # Some headings of json.md are for several objects.
    pages["json.md"] = re.sub(r"(?m)^### (.*)$", lambda m: "### " + m[1].split(" (")[0].replace(
        ", ", "\n### "), pages["json.md"])
    for page, what in promised():
        if what not in pages[page] and what not in re.sub(r"[\[\]\\]", "", pages[page]):
            yield ROOT / "docs" / page, 1, f"does not have '{what.strip()}'"


def c_files():
    return [p for p, _ in sources() if p.suffix in (".c", ".h")]


def check_format():
    """=> complaints of clang-format, as (path, line, text)."""
    files = c_files()
    if not files:
        return []
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, files)], cwd=ROOT,
                          text=True, stderr=subprocess.PIPE, check=False)
    found = {}
    for m in re.finditer(r"^(.+?):(\d+):\d+: error:", done.stderr, re.M):
        found.setdefault(m.group(1), int(m.group(2)))
    if done.returncode and not found:
        return [(ROOT, 0, "clang-format: " + done.stderr.strip()[:500])]
    return [(Path(f), n, "not formatted: scripts/fmt") for f, n in found.items()]


def run():
    """=> (number of files, complaints as text)."""
    complaints, count = [], 0
    for path, text in sources():
        count += 1
        complaints += [f"{path.relative_to(ROOT)}:{n}: {what}" for n, what in check(path, text)]
    for found in (check_cases(), check_requirements(), check_docs(), check_format()):
        complaints += [f"{p.relative_to(ROOT)}:{n}: {what}" for p, n, what in found]
    return count, complaints


def main():
    if sys.argv[1:] == ["--fix"]:
        files = c_files()
        return subprocess.run(["clang-format", "-i", *map(str, files)], cwd=ROOT,
                              check=False).returncode if files else 0
    count, complaints = run()
    for line in complaints:
        print(line)
    print(f"lint: {count} files, {len(complaints)} complaints")
    return 1 if complaints else 0

"""Debian packages through an apt state of our own.

The machine's apt configuration is read (proxies, trusted roots) but its list of
sources, its package indexes and its cache are neither used nor changed, so that
neither root nor a `deb-src` line in /etc/apt is needed.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_HELPER = "/usr/lib/apt/apt-helper"
MIRROR = os.environ.get("BPFLINK_DEBIAN_MIRROR", "http://deb.debian.org/debian")

# A package index is asked for again after this many seconds.
INDEX_AGE = 6 * 3600

URI_LINE = re.compile(r"^'(?P<uri>[^']+)' (?P<name>\S+) (?P<size>\d+) ?(?P<hash>\S*)$")


class Unavailable(Exception):
    """The mirror does not have what was asked for: skip it, loudly."""


def cache_root():
    """The folder outside the tree in which everything fetched is kept."""
    chosen = os.environ.get("BPFLINK_CACHE")
    if chosen:
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "bpflink"


@contextmanager
def locked(name):
    """One process at a time works on the part of the cache called NAME."""
    folder = cache_root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command, **options):
    """Runs COMMAND, and returns its standard output or raises Unavailable."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        wrong = [line for line in lines if re.match(r"E:|Err:|.* error: ", line)] or lines[-1:]
        raise Unavailable(wrong[0] if wrong else f"{command[0]}: exit {done.returncode}")
    return done.stdout


class Uri:
    """One file of a package, as apt names it."""

    def __init__(self, match):
        self.uri, self.name = match["uri"], match["name"]
        self.size, self.hash = int(match["size"]), match["hash"]


class Apt:
    """The packages of one suite, binary for some architectures or source."""

    def __init__(self, suite, arches=("amd64",), source=False, component="main", base=MIRROR):
        self.suite = suite
        kind = "src" if source else "-".join(arches)
        self.root = cache_root() / "apt" / f"{suite.replace('/', '_')}-{kind}"
        self.options = [
            "-q",
            f"-oDir::State={self.root}/state",
            "-oDir::State::status=/dev/null",
            f"-oDir::Cache={self.root}/cache",
            f"-oDir::Etc::sourcelist={self.root}/sources.list",
            "-oDir::Etc::sourceparts=/dev/null",
            "-oDir::Etc::preferencesparts=/dev/null",
            "-oDir::Etc::preferences=/dev/null",
            "-oAPT::Sandbox::User=root",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=2",
            "-oAcquire::http::Timeout=30",
            f"-oAPT::Architecture={arches[0]}",
            "-oAPT::Architectures=" + ",".join(arches),
        ]
        word = "deb-src" if source else "deb"
        choice = f"signed-by={KEYRING}" + ("" if source else f" arch={','.join(arches)}")
        self.line = f"{word} [{choice}] {base} {suite} {component}\n"

    def update(self):
        """Fetches the suite's index unless a fresh one is there."""
        stamp = self.root / "updated"
        listing = self.root / "sources.list"
        same = listing.exists() and listing.read_text() == self.line
        if same and stamp.exists() and time.time() - stamp.stat().st_mtime < INDEX_AGE:
            return
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self.root / part).mkdir(parents=True, exist_ok=True)
        listing.write_text(self.line)
        run(["apt-get", *self.options, "-oAPT::Update::Error-Mode=any", "update"])
        stamp.touch()

    def source_versions(self, package):
        """The versions of a source package that the suite lists, newest first."""
        out = run(["apt-cache", *self.options, "showsrc", "--only-source", package])
        found = dict.fromkeys(re.findall(r"^Version: (\S+)$", out, re.M))
        return list(found)

    def source_uris(self, package, version):
        """The files of which one version of a source package consists."""
        return self._uris(["source", "--print-uris", f"{package}={version}"])

    def names(self, pattern):
        """The names of the binary packages that match a regular expression."""
        out = run(["apt-cache", *self.options, "search", "--names-only", pattern])
        return [line.split(" ", 1)[0] for line in out.splitlines()]

    def with_dependencies(self, package):
        """A binary package's name and those of all that it depends on."""
        out = run(["apt-cache", *self.options, "depends", "--recurse", "--no-recommends",
                   "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces",
                   "--no-enhances", package])
        return [line for line in out.splitlines() if re.match(r"[a-z0-9]", line)]

    def binary_uri(self, package):
        """The .deb of a binary package (NAME, NAME:ARCH or NAME=VERSION)."""
        found = self._uris(["download", "--print-uris", package])
        if not found:
            raise Unavailable(f"{self.suite} has no package {package}")
        return found[0]

    def closure(self, package):
        """The .debs of a binary package and of all that it depends on."""
        return self._uris(["install", "--print-uris", "--yes", "--no-install-recommends", package])

    def _uris(self, arguments):
        # In an empty folder: apt leaves out of its answer what the current one holds.
        empty = self.root / "empty"
        empty.mkdir(exist_ok=True)
        out = run(["apt-get", *self.options, *arguments], cwd=empty)
        return [Uri(m) for m in map(URI_LINE.match, out.splitlines()) if m]

    def fetch(self, uri, folder):
        """Downloads one file into FOLDER and returns its path, its hash checked."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / uri.name.replace("%3a", ":")
        wanted = [uri.hash] if uri.hash else []
        helper = [APT_HELPER, *self.options, "download-file", uri.uri, str(path), *wanted]
        for attempt in range(3):
            try:
                run(helper)
                return path
            except Unavailable as reason:
                if "404" in str(reason) or attempt == 2:
                    raise Unavailable(f"{uri.name}: {reason}") from reason
                time.sleep(1 + attempt)
        raise AssertionError("unreachable")


def digest(path):
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()

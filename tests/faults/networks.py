"""A network of its own for some services, with a wire to this machine that can be cut.

Made with network namespaces and iptables, which only root can do. Packets are
dropped by the kernel: nobody is told, and retransmissions go on.
"""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.faults.table import FaultRow

_CHAINS = {"to_host": ("OUTPUT", "--dport"), "to_guest": ("INPUT", "--sport")}
_numbers = itertools.count(1)


class SplitNetwork:
    """A namespace behind a pair of virtual devices; `host` is this machine as seen from it."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.name = f"babelmill-{os.getpid()}-{number}"
        # Of the range for benchmarks (RFC 2544), which no real network uses.
        subnet = f"198.18.{os.getpid() % 250}"
        self.host = f"{subnet}.{number * 4 + 1}"
        guest = f"{subnet}.{number * 4 + 2}"
        outer, inner = f"bm{os.getpid()}h{number}", f"bm{os.getpid()}g{number}"
        _run("ip", "netns", "add", self.name)
        try:
            _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
            _run("ip", "link", "set", inner, "netns", self.name)
            _run("ip", "addr", "add", f"{self.host}/30", "dev", outer)
            _run("ip", "link", "set", outer, "up")
            self._inside("ip", "addr", "add", f"{guest}/30", "dev", inner)
            self._inside("ip", "link", "set", inner, "up")
            self._inside("ip", "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    @property
    def limits(self) -> dict[str, object]:
        """What a service is started with to live in this network."""
        return {"network": f"/var/run/netns/{self.name}"}

    def cut(self, port: int, *ways: str) -> None:
        """Drop what goes to, or comes from, a port of the host; both if no way is named."""
        for way in ways or _CHAINS:
            chain, side = _CHAINS[way]
            self._inside("iptables", "-A", chain, "-p", "tcp", side, str(port), "-j", "DROP")

    def heal(self) -> None:
        """Let everything through again."""
        self._inside("iptables", "-F")

    def close(self) -> None:
        """Take the network away; the devices go with it."""
        _run("ip", "netns", "del", self.name)

    def _inside(self, *command: str) -> None:
        _run("ip", "netns", "exec", self.name, *command)


@pytest.fixture
def network(row: FaultRow) -> Iterator[SplitNetwork]:
    """A network for one test. Name it before the house, which must end first."""
    missing = [name for name in ("ip", "iptables") if shutil.which(name) is None]
    why = "making a network takes root" if os.geteuid() != 0 else " and ".join(missing)
    if why:
        row.skip(f"not there: {why}" if missing else why)
        pytest.skip(why)
    made = SplitNetwork()
    yield made
    made.close()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)

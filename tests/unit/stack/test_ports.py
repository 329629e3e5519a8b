"""The ports that the stack's servers take."""

from pathlib import Path

from babelmill.stack.ports import free_port


def test_a_server_keeps_its_port_when_clients_dial_while_it_is_down() -> None:
    """Their own ends get ports from the range that is asserted not to hold the server's."""
    lowest, highest = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    taken = {free_port() for _ in range(50)}
    assert len(taken) > 1
    assert not [port for port in taken if int(lowest) <= port <= int(highest)]

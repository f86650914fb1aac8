# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture of the project's own: port scans by nmap from three sources and a few ordinary requests, recorded between two namespaces."""

import subprocess
import time
from pathlib import Path

from .namespaces import Network

# two from the Internet, one behind the same router as its target: a replay has to map the last one
_SCANNERS = ('185.191.171.10', '91.240.118.7', '192.168.77.9')
_TARGET_V4, _TARGET_V6, _SCANNER_V6 = '100.64.9.2', '2001:db8:99::2', '2a06:4880:8000::15'


def record_scans(path: Path) -> None:
    """Makes the scans and writes the capture to `path`."""
    with Network() as network:
        scanner, target = network.namespace('scanner'), network.namespace('target')
        network.veth(scanner, 'eth0', target, 'eth0')
        scanner.address('eth0', '100.64.9.1/24', '2001:db8:99::1/64', f'{_SCANNER_V6}/128', *(f'{address}/32' for address in _SCANNERS))
        target.address('eth0', f'{_TARGET_V4}/24', f'{_TARGET_V6}/64')
        target.route('default', '100.64.9.1')
        target.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:99::1')
        recorder = target.start('tcpdump', '-U', '-n', '-i', 'eth0', '-Z', 'root', '-w', str(path), 'ip or ip6',
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while b'listening on' not in (recorder.stderr.readline() or b'listening on'):
            pass
        ports = ('22,23,80,443,445,3389,5900', '80,104,443,2575,3306,8080', '21,80,135,139,443,445,1433,3389,5985')
        for address, wanted in zip(_SCANNERS, ports, strict=True):
            scanner.run('nmap', '-n', '-Pn', '-sS', '--max-retries', '0', '-p', wanted, '-S', address, '-e', 'eth0', _TARGET_V4)
        scanner.run('nmap', '-n', '-Pn', '-sU', '--max-retries', '0', '-p', '53,123,161,500', '-S', _SCANNERS[0], '-e', 'eth0', _TARGET_V4)
        scanner.run('nmap', '-6', '-n', '-Pn', '-sS', '--max-retries', '0', '-p', '22,80,443,3389', '-S', _SCANNER_V6, '-e', 'eth0', _TARGET_V6)
        time.sleep(0.3)
        network.end(recorder)
        recorder.stderr.close()

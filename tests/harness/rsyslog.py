# SPDX-License-Identifier: GPL-2.0-or-later
"""rsyslogd as the syslog server of a test: it writes what it understood of each message as a line of JSON, structured data parsed (mmpstrucdata).

    with Rsyslog(namespace, folder, '10.0.1.20', certificate=good) as server:
        server.records()

It can be killed, stopped and started again; its records stay."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from .certificates import Certificate
from .namespaces import Namespace

TLS, TCP, UDP = 6514, 601, 514

_CONFIGURATION = '''
global(workDirectory="{folder}" maxMessageSize="16k" parser.escapeControlCharactersOnReceive="off" net.enableDNS="off" {tls})
module(load="imtcp" MaxSessions="50" KeepAlive="on" {driver})
module(load="mmpstrucdata")
template(name="record" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
ruleset(name="store") {{
    action(type="mmpstrucdata" sd_name.lowercase="off")
    action(type="omfile" file="{folder}/records.jsonl" template="record")
}}
{inputs}
'''
_TLS_SETTINGS = 'defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{chain}" defaultNetstreamDriverKeyFile="{key}"'
# the router shows no certificate of its own
_TLS_DRIVER = 'StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'


class Rsyslog:
    """Listens for TLS with a certificate, else for TCP and UDP."""

    def __init__(self, namespace: Namespace, folder: Path, address: str, certificate: Certificate | None = None, authority: Path | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self._namespace, self.folder, self._process = namespace, folder, None
        self._port = TLS if certificate else TCP
        tls = _TLS_SETTINGS.format(ca=authority, chain=certificate.chain, key=certificate.key) if certificate else ''
        inputs = f'input(type="imtcp" port="{self._port}" address="{address}" ruleset="store")\n'
        if not certificate:
            inputs += f'module(load="imudp")\ninput(type="imudp" port="{UDP}" address="{address}" ruleset="store")\n'
        self._configuration = folder / 'rsyslog.conf'
        self._configuration.write_text(_CONFIGURATION.format(folder=folder, tls=tls, driver=_TLS_DRIVER if certificate else '', inputs=inputs))
        self._log = folder / 'rsyslogd.log'

    def __enter__(self) -> 'Rsyslog':
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        with self._log.open('ab') as log:
            self._process = self._namespace.start('rsyslogd', '-n', '-f', str(self._configuration), '-i', str(self.folder / 'pid'), stdin=subprocess.DEVNULL,
                                                  stdout=log, stderr=log)
        end = time.monotonic() + 20
        while f':{self._port} ' not in self._namespace.run('ss', '-Hltn').stdout:
            assert self._process.poll() is None and time.monotonic() < end, f'rsyslogd does not listen: {self._log.read_text()}'
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._namespace.network.end(self._process)
            self._process = None

    def kill(self) -> None:
        """As a power cut would: what it has taken and not yet written is gone."""
        self._namespace.network.end(self._process, signal.SIGKILL)
        self._process = None

    def stand_still(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            os.kill(self._process.pid, number)

    def records(self) -> list[dict]:
        """What it has written, in its order; an unfinished last line is not there yet."""
        file = self.folder / 'records.jsonl'
        if not file.exists():
            return []
        # a server that was killed may have left half a line, which the next one goes on behind
        found = []
        for line in file.read_bytes().split(b'\n')[:-1]:
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({'unreadable': line.decode(errors='replace')})
        return found


def structured_data(record: dict) -> dict[str, dict[str, str]]:
    """By SD-ID, as mmpstrucdata read it."""
    return record.get('$!', {}).get('rfc5424-sd', {})

# SPDX-License-Identifier: GPL-2.0-or-later
"""FreeRADIUS as the RADIUS server of a clinic, with a configuration of its own in a folder of the test.

    with FreeRadius(host, folder, '10.0.2.30', secret, users) as server: ...

`users` are lines of its users file: 'tanaka Cleartext-Password := "x"'. It can be stopped and started again."""

import signal
import subprocess
from pathlib import Path

from .certificates import Authority
from .daemon import until
from .namespaces import Namespace

_CONFIGURATION = '''
name = radiusd
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {folder}
raddbdir = {folder}
run_dir = {folder}
pidfile = {folder}/radiusd.pid
max_request_time = 10
max_requests = 1024
log {{ destination = files
       file = {folder}/radius.log
       auth = yes }}
security {{ reject_delay = 0
            status_server = no }}
thread pool {{ start_servers = 1
               max_servers = 2 }}
client router {{ ipaddr = {client}
                 secret = "{secret}" }}
modules {{
    pap {{ }}
    mschap {{ use_mppe = no }}
    files {{ usersfile = {folder}/users }}
    eap {{
        default_eap_type = peap
        tls-config common {{ private_key_file = {key}
                             certificate_file = {certificate}
                             ca_file = {authority}
                             tls_min_version = "1.2"
                             tls_max_version = "1.2" }}
        tls {{ tls = common }}
        mschapv2 {{ }}
        peap {{ tls = common
                default_eap_type = mschapv2
                virtual_server = inner }}
        ttls {{ tls = common
                default_eap_type = mschapv2
                virtual_server = inner }}
    }}
}}
server outer {{
    listen {{ type = auth
              ipaddr = {address}
              port = {port} }}
    authorize {{
        eap {{
            ok = return
        }}
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        eap
    }}
    post-auth {{
        {post_auth}
    }}
}}
server inner {{
    authorize {{
        files
        mschap
        eap
    }}
    authenticate {{
        Auth-Type MS-CHAP {{
            mschap
        }}
        eap
    }}
    post-auth {{
        update {{
            &outer.session-state:User-Name := &User-Name
        }}
    }}
}}
'''
# The name that the inner method proved is told in the answer; so is what a test wants beside it.
_POST_AUTH = '''if (&session-state:User-Name) {
            update reply {
                &User-Name := &session-state:User-Name
            }
        }'''
_REPLY = '''
        update reply {
            %s
        }'''


class FreeRadius:
    """Ends with its network at the latest."""

    def __init__(self, host: Namespace, folder: Path, address: str, client: str, secret: str, users: str, reply: str = '', port: int = 1812):
        self._host, self.folder = host, folder / f'radius-{host.name}-{port}'
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen | None = None
        self.authority = Authority(self.folder / 'certificates', 'RADIUS authority')
        made = self.authority.issue('radius', dns=['radius.clinic.example'])
        (self.folder / 'users').write_text(users)
        (self.folder / 'dictionary').write_text('')
        post_auth = _POST_AUTH + (_REPLY % reply if reply else '')
        (self.folder / 'radiusd.conf').write_text(_CONFIGURATION.format(
            folder=self.folder, address=address, client=client, secret=secret, port=port, key=made.key, certificate=made.chain,
            authority=self.authority.certificate, post_auth=post_auth))

    def __enter__(self) -> 'FreeRadius':
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def log(self) -> str:
        return ''.join(path.read_text(errors='replace') for path in (self.folder / 'radius.log', self.folder / 'output') if path.exists())

    def start(self) -> None:
        before = self.log().count('Ready to process requests')
        with (self.folder / 'output').open('ab') as output:
            self._process = self._host.start('freeradius', '-f', '-d', str(self.folder), '-n', 'radiusd', stdin=subprocess.DEVNULL, stdout=output, stderr=output)

        def ready() -> bool:
            assert self._process.poll() is None, self.log()[-3000:]
            return self.log().count('Ready to process requests') > before
        until(ready, lambda: f'FreeRADIUS: {self.log()[-3000:]}', 30, 0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._host.network.end(self._process)
            self._process = None

    def pause(self) -> None:
        """It is there and does not answer."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A raw client of libvirt's administration protocol, and virt-admin."""

import subprocess

import rpc

PROCEDURES = {
    'OPEN': 1, 'CLOSE': 2, 'GET_LIB_VERSION': 3, 'LIST_SERVERS': 4, 'LOOKUP_SERVER': 5, 'GET_THREADPOOL': 6,
    'SET_THREADPOOL': 7, 'LIST_CLIENTS': 8, 'LOOKUP_CLIENT': 9, 'CLIENT_GET_INFO': 10, 'CLIENT_CLOSE': 11,
    'GET_CLIENT_LIMITS': 12, 'SET_CLIENT_LIMITS': 13, 'GET_LOGGING_OUTPUTS': 14, 'GET_LOGGING_FILTERS': 15,
    'SET_LOGGING_OUTPUTS': 16, 'SET_LOGGING_FILTERS': 17, 'UPDATE_TLS_FILES': 18, 'SET_DAEMON_TIMEOUT': 19,
    'DAEMON_SHUTDOWN': 20,
}


class AdminClient(rpc.Connection):
    def send(self, procedure, payload=b'', **header):
        number = PROCEDURES[procedure] if isinstance(procedure, str) else procedure
        header.setdefault('program', rpc.ADMIN)
        return super().send(number, payload, **header)

    def list_servers(self, need_results=1, flags=0):
        decoder = self.call('LIST_SERVERS', rpc.u32(need_results) + rpc.u32(flags))
        return decoder.end((decoder.strings(), decoder.u32()))

    def set_client_limits(self, server, *params, flags=0):
        """Each parameter is a result of rpc.param()."""
        self.call('SET_CLIENT_LIMITS',
                  rpc.string(server) + rpc.u32(len(params)) + b''.join(params) + rpc.u32(flags)).end()

    def list_clients(self, server='virtnodedevd', need_results=1):
        """Returns a list of (server, number, time, transport), and the number of clients."""
        decoder = self.call('LIST_CLIENTS', rpc.string(server) + rpc.u32(need_results) + rpc.u32(0))
        clients = [(decoder.string(), decoder.u64(), decoder.u64(), decoder.u32()) for _ in range(decoder.u32())]
        return decoder.end((clients, decoder.u32()))


def virt_admin(path, *arguments, deadline=10.0):
    """Runs virt-admin on the daemon with this socket."""
    return subprocess.run(['virt-admin', '-c', f'virtnodedevd:///system?socket={path}', *arguments], text=True,
                          check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline)

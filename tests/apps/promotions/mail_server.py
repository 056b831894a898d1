"""A small mail server on loopback that keeps what it takes, or does what a test tells it to."""

from __future__ import annotations

import email
import socketserver
import threading
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self


class _Session(socketserver.StreamRequestHandler):
    """Enough of https://www.rfc-editor.org/rfc/rfc5321 for one message after another."""

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self) -> None:
        server: MailServer = self.server.keeper  # type: ignore[attr-defined]
        self.say("220 test")
        while line := self.rfile.readline(4096):
            verb = line.strip().upper().split(b" ")[0].split(b":")[0]
            if verb == b"QUIT":
                self.say("221 bye")
                return
            if verb == b"RCPT" and server.refuses_with:
                self.say(f"{server.refuses_with} no such box")
            elif verb == b"DATA":
                if not self.take(server):
                    return
            else:
                self.say("250 ok")

    def take(self, server: MailServer) -> bool:
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline(65536)) not in (b".\r\n", b""):
            lines.append(line)
        found = email.message_from_bytes(b"".join(lines), policy=default)
        assert isinstance(found, EmailMessage)
        server.letters.append(found)
        if server.hangs_up > 0:
            server.hangs_up -= 1
            return False
        self.say("250 taken")
        return True


class MailServer:
    """`letters` holds what came. `hangs_up`: so many are taken and not answered; `refuses_with`: a code."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.hangs_up = 0
        self.refuses_with = 0
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session)
        self._server.daemon_threads = True
        self._server.keeper = self  # type: ignore[attr-defined]
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

"""A dev server of Python's standard library alone: files, a WebSocket that echoes, events, and a large download."""

import base64
import hashlib
import http.server
import os
import sys
import time

LARGE_BYTES = 100 * 1_048_576


def newest():
    return max(entry.stat().st_mtime_ns for entry in os.scandir("."))


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript", ".txt": "text/plain; charset=utf-8"}

    def do_GET(self):
        if self.path == "/echo":
            return self.echo()
        if self.path == "/events":
            return self.send_events()
        if self.path == "/large":
            return self.send_large()
        return super().do_GET()

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def send_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        seen, count = newest(), 0
        while True:
            count += 1
            self.wfile.write(f"event: tick\ndata: {count}\n\n".encode())
            if newest() != seen:
                seen = newest()
                self.wfile.write(b"event: changed\ndata: 1\n\n")
            time.sleep(0.1)

    def send_large(self):
        self.send_response(200)
        self.send_header("Content-Length", str(LARGE_BYTES))
        self.end_headers()
        piece = bytes(1_048_576)
        for _ in range(LARGE_BYTES // len(piece)):
            self.wfile.write(piece)

    def echo(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return
            length = head[1] & 127
            extended = self.rfile.read(2) if length == 126 else b""
            if extended:
                length = int.from_bytes(extended, "big")
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length)))
            self.wfile.write(bytes([0x81, head[1] & 127]) + extended + data)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

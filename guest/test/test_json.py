"""Valid and invalid requests: tables of JSON."""

from agent import AgentTest
from wire import REQUEST

BAD = [
    b"", b" ", b"{", b"}", b"[]", b"null", b'"ping"', b"1", b"{}x", b"{} {}", b"{,}", b'{"op"}', b'{"op":}', b'{"op":"ping",}',
    b'{op:"ping"}', b"{'op':'ping'}", b'{"op":"ping"', b'{"op":"ping}', b'{"op":ping}', b'{"op":"ping","x":01}',
    b'{"op":"ping","x":.5}', b'{"op":"ping","x":1.}', b'{"op":"ping","x":1e}', b'{"op":"ping","x":+1}', b'{"op":"ping","x":-}',
    b'{"op":"ping","x":NaN}', b'{"op":"ping","x":tru}', b'{"op":"ping","x":nulll}', b'{"op":"ping","x":"\\x41"}',
    b'{"op":"ping","x":"\\u12"}', b'{"op":"ping","x":"\\ud800"}', b'{"op":"ping","x":"\\udc00"}',
    b'{"op":"ping","x":"\\ud800\\u0041"}', b'{"op":"ping","x":"\n"}', b'{"op":"ping","x":"\x00"}', b'{"op":"ping","x":"\xff"}',
    b'{"op":"ping","x":"\xc0\x80"}', b'{"op":"ping","x":"\xed\xa0\x80"}', b'{"op":"ping","x":"\xf5\x80\x80\x80"}',
    b'{"op":"ping","x":"\xe2\x82"}', b'{"op":"ping","x":[1,]}', b'{"op":"ping","x":[1 2]}', b'{"op":"ping","x":[}',
    b'{"op":"ping","x":{"a":1]}', b'\xef\xbb\xbf{"op":"ping"}', b'{"op":"ping","x":"\\', b'{"op":"ping","x":"\\u',
    b'{"op":"ping","x":' + b"[" * 8 + b"]" * 8 + b"}", b'{"op":"ping","x":' + b"[" * 60000 + b"}",
    b'{"op":1}', b'{"op":null}', b'{"op":["ping"]}', b'{"Op":"ping"}',
]
GOOD = [
    b'{"op":"ping"}', b' \t\r\n{ "op" : "ping" } \n', b'{"\\u006fp":"p\\u0069ng"}', b'{"x":{},"y":[],"op":"ping"}',
    b'{"op":"ping","x":[0,-0,1.5e-3,1E+9,true,false,null,"\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00"]}',
    b'{"op":"ping","x":' + b"[" * 7 + b"]" * 7 + b"}", b'{"op":"ping","x":"\xf0\x9f\x98\x80 \xe2\x82\xac"}',
    b'{"op":"ping","":""}', b'{"op":"ping","op":"nope"}', b'{"' + b"k" * 60000 + b'":1,"op":"ping"}',
]


class Json(AgentTest):
    def answer_to(self, body):
        stream = self.wire.new_stream()
        self.wire.send(self.wire.frame(REQUEST, stream, body))
        return self.wire.answer(stream)

    def test_bad(self):
        for body in BAD:
            with self.subTest(body[:60]):
                self.assert_error(self.answer_to(body), "BAD_REQUEST")

    def test_good(self):
        for body in GOOD:
            with self.subTest(body[:60]):
                self.assertEqual(self.answer_to(body), {"ok": True})

    def test_unknown_operation(self):
        for op in ("", "Ping", "pin", "p" * 1000, "ping\0"):
            self.assert_error(self.wire.ask(op), "UNSUPPORTED")

    def test_text_reaches_the_command_unchanged(self):
        text = "".join(map(chr, range(1, 128))) + "é€😀" + '"\\'
        _, out, _ = self.wire.run(argv=["printf", "%s", text])
        self.assertEqual(out, text.encode())

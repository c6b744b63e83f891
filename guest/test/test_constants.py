"""protocol/v1.json, the agent's header and the page have the same numbers."""

import json
import re
import unittest


def read(path):
    with open(path) as file:
        return file.read()


class Constants(unittest.TestCase):
    def setUp(self):
        self.spec = json.loads(read("../protocol/v1.json"))
        header = read("src/protocol.h")
        self.header = {name: int(value) for name, value in re.findall(r"^\s+([A-Z_0-9]+) = (\d+),", header, re.M)}
        self.magic = dict(re.findall(r'^#define (\w+)_MAGIC (".*")', header, re.M))
        self.page = read("../protocol/PROTOCOL.md")

    def expected(self):
        spec = self.spec
        numbers = {
            "PROTOCOL_VERSION": spec["protocol"],
            "FRAME_HEADER_BYTES": spec["frame"]["header_bytes"],
            "FRAME_TAG_BYTES": spec["frame"]["tag_bytes"],
            "FRAME_MAX_BYTES": spec["frame"]["max_bytes"],
            "MAGIC_BYTES": len(spec["sync"]["magic"]) // 2,
            "NONCE_BYTES": spec["sync"]["nonce_bytes"],
            "DATA_HEADER_BYTES": spec["types"]["data"]["header_bytes"],
            "WINDOW_PAYLOAD_BYTES": spec["types"]["window"]["header_bytes"],
            "MAIL_PAYLOAD_BYTES": spec["types"]["mail"]["header_bytes"],
            "ZEROS_PAYLOAD_BYTES": spec["types"]["zeros"]["header_bytes"],
        }
        numbers |= {f"TYPE_{name.upper()}": entry["number"] for name, entry in spec["types"].items()}
        numbers |= {f"CHANNEL_{name.upper()}": number for name, number in spec["channels"].items()}
        renamed = {
            "payload_bytes": "PAYLOAD_MAX_BYTES", "jobs": "JOBS_MAX", "transfers": "TRANSFERS_MAX", "connections": "TUNNELS_MAX",
            "output_held_bytes": "OUTPUT_HELD_MAX_BYTES", "input_grant_bytes": "INPUT_GRANT_MAX_BYTES",
            "content_grant_bytes": "CONTENT_GRANT_MAX_BYTES", "entries_per_window": "ENTRIES_PER_WINDOW", "id_digits": "ID_MAX_DIGITS",
            "output_mailed_bytes": "OUTPUT_MAILED_MAX_BYTES", "input_mailed_bytes": "INPUT_MAILED_MAX_BYTES", "mail_min_bytes": "MAIL_MIN_BYTES",
            "mail_bytes": "MAIL_MAX_BYTES", "mail_align_bytes": "MAIL_ALIGN_BYTES",
            "commits_remembered": "COMMITS_REMEMBERED", "turn_bytes": "TURN_MAX_BYTES", "json_depth": "JSON_DEPTH_MAX",
            "record_header_bytes": "RECORD_HEADER_MAX_BYTES", "entropy_min_bytes": "ENTROPY_MIN_BYTES",
            "entropy_max_bytes": "ENTROPY_MAX_BYTES", "end_grace_ms": "END_GRACE_MS", "tree_depth": "TREE_DEPTH_MAX",
            "directory_names_bytes": "NAMES_HELD_MAX_BYTES", "compared_bytes": "COMPARED_MAX_BYTES", "unsized_bytes": "UNSIZED_MAX_BYTES",
        }
        return numbers | {renamed[name]: value for name, value in spec["limits"].items()}

    def test_header(self):
        self.assertEqual(self.header, self.expected())

    def test_magic(self):
        for name, key in (("SYNC", "magic"), ("BACK", "back")):
            text = self.magic[name].strip('"').encode().decode("unicode_escape").encode("latin-1")
            self.assertEqual(text.hex(), self.spec["sync"][key])

    def test_pad_is_the_longest_frame(self):
        self.assertEqual(self.spec["sync"]["pad_bytes"], self.header["FRAME_MAX_BYTES"])

    def test_operations(self):
        table = re.search(r"operations\[\] = \{(.*?)\n\};", read("src/request.c"), re.S)[1]
        self.assertEqual(set(re.findall(r'\{"(\w+)",', table)), set(self.spec["operations"]))
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", self.page, re.M)), set(self.spec["operations"]))

    def test_error_codes(self):
        used = set()
        for name in ("request", "start", "stat", "wake", "stage", "commit", "get", "transfer", "list", "read", "write", "rename", "remove", "fetch", "fields", "user", "stamp", "transfer_request"):
            used |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', read(f"src/{name}.c")))
        self.assertEqual(used & set(self.spec["errors"]), set(self.spec["errors"]))
        self.assertEqual(used - set(self.spec["errors"]), set())
        chapter = self.page.split("## 7. Error codes")[1].split("## 8.")[0]
        self.assertEqual(set(re.findall(r"`([A-Z_]+)`", chapter)), set(self.spec["errors"]))

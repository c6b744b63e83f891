import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { MAX_PAYLOAD_BYTES } from "../../src/guest/frames.js";
import { LETTER_MAX_BYTES } from "../../src/guest/frames.js";
import { agentErrorCode, channelNumber, frameType, PROTOCOL_VERSION } from "../../src/guest/messages.js";

interface Frozen {
  protocol: number;
  types: Record<string, { number: number }>;
  channels: Record<string, number>;
  errors: string[];
  limits: Record<string, number>;
}

test("the host's messages are those that protocol version 1 froze", () => {
  const frozen = JSON.parse(readFileSync(new URL("../../../protocol/v1.json", import.meta.url), "utf8")) as Frozen;
  assert.equal(PROTOCOL_VERSION, frozen.protocol);
  assert.deepEqual(
    frameType,
    Object.fromEntries(Object.entries(frozen.types).map(([name, { number }]) => [name, number])),
  );
  assert.deepEqual(channelNumber, frozen.channels);
  assert.deepEqual([...agentErrorCode.options].sort(), [...frozen.errors].sort());
  assert.equal(MAX_PAYLOAD_BYTES, frozen.limits["payload_bytes"]);
  assert.equal(LETTER_MAX_BYTES, frozen.limits["mail_bytes"]);
});

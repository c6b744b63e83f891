import assert from "node:assert/strict";
import { test } from "node:test";

import { quoteCommand } from "../../../src/contract/quote.js";
import { renderOneWord } from "../../../src/doors/cli/one-word.js";

const hintOf = (words: readonly string[], exit_code: number | null) =>
  renderOneWord({ command: quoteCommand(words), exit_code });

test("a command line given as one word and not found: the hint gives it to a shell", () => {
  assert.match(hintOf(["a; b"], 127), /^hint: .* -- sh -c 'a; b'\n$/);
  assert.match(hintOf(["echo hi"], 126), / -- sh -c 'echo hi'\n$/);
  assert.match(hintOf(["echo 'it'; b"], 127), / -- sh -c 'echo '\\''it'\\''; b'\n$/);
  assert.match(hintOf(["ls\nls"], 127), /sh -c/);
});

test("no hint: several words, a plain name, or another end", () => {
  assert.equal(hintOf(["a", "b; c"], 127), "");
  assert.equal(hintOf(["nosuch"], 127), "");
  assert.equal(hintOf(["./configure"], 126), "");
  for (const status of [0, 1, 125, 137, null]) assert.equal(hintOf(["a; b"], status), "");
  assert.equal(renderOneWord({ command: "a; b", exit_code: 127 }), "", "a line that a shell has read");
});

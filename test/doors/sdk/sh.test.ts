import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { character, fc } from "../../property.js";

import { sh, type ShellValue } from "../../../src/index.js";

/** The arguments that a shell passes to `printf` for a line. */
function wordsOf(line: string): string[] {
  const { stdout, status } = spawnSync("/bin/sh", ["-c", line], { encoding: "utf8" });
  assert.equal(status, 0, line);
  return stdout.split("\0").slice(0, -1);
}

test("values arrive unchanged, and lists as separate words", () => {
  const word = fc.string({ unit: character, maxLength: 20 }).map((text) => text.replaceAll("\0", ""));
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 4 }), (one, several) => {
      assert.deepEqual(wordsOf(sh`printf '%s\0' ${one} ${several} "last"`), [one, ...several, "last"]);
    }),
    { numRuns: 60 },
  );
});

test("a value joins the adjacent text, a number becomes its digits, and backslashes reach the shell", () => {
  assert.equal(sh`tar -C /tmp/${"a b"} -xf ${1}`, "tar -C /tmp/'a b' -xf 1");
  assert.deepEqual(wordsOf(sh`printf '%s\0' a\ b --n=${"$(id)"}`), ["a b", "--n=$(id)"]);
  assert.deepEqual(wordsOf(sh`printf '%s\0' "quoted $((1 + 1))" ${"x"} # a comment`), ["quoted 2", "x"]);
});

test("a value is refused where quoting cannot protect it", async (t) => {
  const value = "$(touch /tmp/never)";
  const lines: Record<string, () => string> = {
    "within double quotes": () => sh`echo "${value}"`,
    "within single quotes": () => sh`echo '${value}'`,
    "after a backslash": () => sh(Object.assign(["", ""], { raw: ["echo \\", ""] }), value),
    "in a comment": () => sh`true # ${value}`,
    "in a here-document": () => sh`cat <<END
${value}
END`,
    "in a string of bash's": () => sh`echo $'it\'s ${value}'`,
    "in quotes that an escaped quote does not end": () => sh`echo "a\"${value}"`,
  };
  for (const [what, line] of Object.entries(lines)) {
    await t.test(what, () => assert.throws(line, { code: "INVALID_ARGUMENT" }));
  }
});

test("values after closed or escaped quotes are accepted", () => {
  const value: ShellValue = "it's";
  assert.deepEqual(wordsOf(sh`printf '%s\0' "a\"b" 'c\' \" ${value}`), ['a"b', "c\\", '"', value]);
});

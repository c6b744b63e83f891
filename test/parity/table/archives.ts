import { push, type Case } from "./case.js";

/** Archives that are refused, each for its own reason; `sources.ts` makes them. */
export const archives: readonly Case[] = [
  { name: "an archive that leaves its root", ...push("escapes.tar"), expect: "ARCHIVE_PATH_ESCAPES", on: "both" },
  { name: "an absolute name", ...push("absolute.tar"), expect: "ARCHIVE_PATH_ABSOLUTE" },
  { name: "a name through a link", ...push("through-link.tar"), expect: "ARCHIVE_PATH_THROUGH_LINK" },
  { name: "an archive with a link that leaves it", ...push("link.tar"), expect: "ARCHIVE_LINK_ESCAPES" },
  { name: "a hard link to nothing", ...push("hard-link.tar"), expect: "ARCHIVE_HARD_LINK" },
  { name: "a FIFO in an archive", ...push("special.tar"), expect: "ARCHIVE_SPECIAL_FILE" },
  { name: "a name of two types", ...push("types.tar"), expect: "ARCHIVE_TYPE_CONFLICT" },
  { name: "a name that is not text", ...push("name.tar"), expect: "ARCHIVE_NAME_INVALID" },
  { name: "a name of 256 bytes", ...push("long.tar"), expect: "ARCHIVE_PATH_TOO_LONG" },
  { name: "a million directories", ...push("many.tgz", { dry_run: true }), expect: "ARCHIVE_TOO_MANY_ENTRIES" },
  { name: "half an archive", ...push("half.tgz"), expect: "ARCHIVE_CORRUPT" },
  { name: "a file of a petabyte", ...push("huge.tar"), expect: "WORKSPACE_FULL", on: "both" },
];

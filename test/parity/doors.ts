import { openCli } from "./cli.js";
import { openHttp } from "./http.js";
import { openMcp } from "./mcp.js";
import { openPython } from "./python.js";
import type { Place, Runner } from "./runner.js";
import { openTypeScript } from "./typescript.js";

/** Every door. The others are compared with the first one. */
export const doors: readonly ((place: Place) => Runner)[] = [openTypeScript, openPython, openHttp, openCli, openMcp];

import { fine } from "./corpus-accepted.js";
import { damage } from "./corpus-damaged.js";
import { links, names, types } from "./corpus-refused.js";
import type { Specimen } from "./specimen.js";

/** Every rule of the contract, in the formats that archives have. */
export const specimens: readonly Specimen[] = [...names, ...links, ...types, ...damage, ...fine];

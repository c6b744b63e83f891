import { fine } from "./corpus-accepted.js";
import { damage } from "./corpus-damaged.js";
import { links, names, types } from "./corpus-refused.js";
import type { Specimen } from "./specimen.js";

/** Every line of the contract's list, in the flavours that archives come in. */
export const specimens: readonly Specimen[] = [...names, ...links, ...types, ...damage, ...fine];

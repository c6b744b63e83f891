import fc from "fast-check";

import { seed } from "./seed.js";

// fast-check reads a seed as a signed number.
fc.configureGlobal({ seed: seed | 0 });

/** fast-check with the seed of this run. */
export { fc };

/** Levels of isolation, from the least to the most. SECURITY.md defines them. */
export const isolationLevels = ["vm", "jailed", "strict"] as const;

export type IsolationLevel = (typeof isolationLevels)[number];

/** The variable with the least that a daemon accepts. */
export const isolationVariable = "PYRO_REQUIRE_ISOLATION";

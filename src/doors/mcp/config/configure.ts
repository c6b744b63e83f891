export async function configure(_: unknown): Promise<string> { return ""; }

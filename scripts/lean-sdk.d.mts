/** The types of the text changes in lean-sdk.mjs, for their test. */
export function markDeclarations(source: string): { text: string; count: number };
export function fillRegistryWhenUsed(source: string): string;
export function buildEraOnDemand(source: string): string;

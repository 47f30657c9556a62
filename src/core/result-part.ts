/** The parts that a tool result can be made of. */

/** `structured` is the machine-readable object; the text is always complete without it. */
export const RESULT_CONTENT = ['text', 'image', 'link', 'structured'] as const;
export type ResultPart = (typeof RESULT_CONTENT)[number];

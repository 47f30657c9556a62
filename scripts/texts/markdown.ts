/** How a text stands on the page. */

export const block = (text: string, language = 'text'): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

export const titled = (title: string, text: string, language?: string): string =>
  `**${title}**\n\n${block(text, language)}`;

export function textOf(result: { content: readonly { type: string; text?: string }[] }): string {
  return result.content.map(({ text }) => text ?? '').join('\n');
}

/** One after the other: some of them share what belongs to the process. */
export async function allTitled(
  texts: readonly (readonly [string, () => string | Promise<string>])[],
): Promise<string> {
  const shown: string[] = [];
  for (const [title, text] of texts) shown.push(titled(title, await text()));
  return shown.join('\n\n');
}

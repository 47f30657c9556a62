/** Replaces one marked section of a Markdown page and leaves the rest alone. */

/** @param name the section stands between `<!-- name:begin … -->` and `<!-- name:end -->` */
export function recordSection(page: string, name: string, content: string): string {
  const section = new RegExp(`(<!-- ${name}:begin[^>]*-->\\n)[\\s\\S]*?(<!-- ${name}:end -->)`);
  if (!section.test(page)) throw new Error(`The page has no section "${name}".`);
  return page.replace(section, (_all, begin: string, end: string) => `${begin}\n${content}\n\n${end}`);
}

/** Recognises clients by the name that they give: the one rule for everything that depends on who is calling. */

/** Longer than any name of a real client. */
const NAME_MAX_CHARACTERS = 200;
const CONTROL = /\p{Cc}/u;
const WORD = /^[\p{L}\p{N}]/u;

/**
 * Whether the name is one of these, in lower case, or begins with one that no letter or digit follows: "cursor-vscode"
 * is Cursor, "copilot-client" is not the Copilot CLI.
 */
export function isNamed(clientName: string | undefined, names: readonly string[]): boolean {
  if (clientName === undefined || clientName.length > NAME_MAX_CHARACTERS) return false;
  const given = clientName.trim().toLowerCase();
  if (CONTROL.test(given)) return false;
  return names.some((name) => given.startsWith(name) && !WORD.test(given.slice(name.length)));
}

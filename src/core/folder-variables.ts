/** The variables by which a desktop or a system says where a user's folders are. */

const NAMES = ['XDG_CONFIG_HOME', 'XDG_PICTURES_DIR', 'XDG_STATE_HOME', 'LOCALAPPDATA'] as const;

export type FolderVariables = { readonly [Name in (typeof NAMES)[number]]?: string };

/** Absent where none of them is set. */
export function folderVariablesOf(env: Readonly<Record<string, string | undefined>>): {
  folderVariables?: FolderVariables;
} {
  const set = NAMES.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return set.length === 0 ? {} : { folderVariables: Object.fromEntries(set) };
}

/** The package has types, but its `exports` do not lead to them. */
declare module 'psl' {
  /** @returns the name that somebody registered, or null where the host is such a suffix itself or no name at all */
  export function get(host: string): string | null;
}

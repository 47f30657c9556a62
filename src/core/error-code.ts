/** Reads the code that Node, OpenSSL or the system gave an error. */

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Tells which host names mean this machine. */

/** True for `localhost`, 127.0.0.0/8 and `[::1]`, as a URL's `hostname` spells them. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(hostname)
  );
}

/** Recognises host names that mean this machine. */

/** True for `localhost`, 127.0.0.0/8 and `[::1]`, as in the `hostname` of a URL. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(hostname)
  );
}

/**
 * Node's `assert` in the bundle. undici asserts what a server sent, and for a message Node 20 parses the source around the
 * call: a bundle's single line keeps the process deaf for ten seconds and more.
 */
module.exports = (value, message) => {
  if (value) return;
  if (message instanceof Error) throw message;
  throw Object.assign(new Error(message ?? 'An assertion failed.'), { code: 'ERR_ASSERTION' });
};

/** A connection that did not come about: nothing of the request has left this machine by then. */
import type { ProxyRoute } from './routes.ts';

export type ConnectProblem = {
  /** Whom it was to reach. */
  host: string;
  /** The code of Node or OpenSSL, where there is one. */
  code?: string;
  /** The proxy in between, and whether it failed itself; `status` is its answer, where it gave one. */
  proxy?: Pick<ProxyRoute, 'shown' | 'setting'> & { failed: boolean; status?: number };
};

/** It has no `code` of its own: undici connects again, without end, for some codes. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  constructor(
    readonly problem: ConnectProblem,
    cause?: unknown,
  ) {
    super('No connection came about.', { cause });
  }
}

/** The text after "could not be reached: ", and what the user can do. */
export type ConnectWords = {
  reason: string;
  remedy?: string;
  /** The next try ends the same way, until somebody changes something. */
  lasting: boolean;
};

const OWN_AUTHORITY =
  'Ask the user whether a company proxy or a security program replaces certificates here; if so, to set ' +
  'NODE_EXTRA_CA_CERTS to the file of its authority. Certificates are always verified.';
const CHECK_DATE =
  "Ask the user to check this machine's date; if it is right, the certificate has to be renewed there.";

/** What OpenSSL says about a certificate that it refuses. */
const CERTIFICATE_FAULTS: readonly { words: string; remedy: string; codes: readonly string[] }[] = [
  { words: 'has expired', remedy: CHECK_DATE, codes: ['CERT_HAS_EXPIRED'] },
  { words: 'is not valid yet', remedy: CHECK_DATE, codes: ['CERT_NOT_YET_VALID'] },
  {
    words: 'belongs to another host name',
    remedy: OWN_AUTHORITY,
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
  },
  {
    words: 'is self-signed, or issued by an authority that signed itself and is not trusted here',
    remedy: OWN_AUTHORITY,
    codes: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  },
  {
    words: 'was issued by an authority that is not trusted here',
    remedy: OWN_AUTHORITY,
    codes: ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  },
  {
    words: 'is not accepted',
    remedy: OWN_AUTHORITY,
    codes: [
      'CERT_REVOKED',
      'CERT_UNTRUSTED',
      'CERT_REJECTED',
      'CERT_SIGNATURE_FAILURE',
      'CERT_CHAIN_TOO_LONG',
      'INVALID_CA',
      'INVALID_PURPOSE',
      'PATH_LENGTH_EXCEEDED',
      'UNABLE_TO_GET_CRL',
      'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
      'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
      'ERROR_IN_CERT_NOT_BEFORE_FIELD',
      'ERROR_IN_CERT_NOT_AFTER_FIELD',
      'CRL_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_FORMAT',
    ],
  },
];

const CODES: Readonly<Record<string, (host: string) => string>> = {
  ECONNREFUSED: () => 'the connection was refused',
  ENOTFOUND: (host) => `the name ${host} could not be resolved`,
  EAI_AGAIN: (host) => `the name ${host} could not be resolved at the moment`,
  ETIMEDOUT: () => 'no connection came about in time',
  ENETUNREACH: (host) => `there is no route to the network of ${host}`,
  EHOSTUNREACH: (host) => `there is no route to ${host}`,
  ECONNRESET: () => 'the connection was closed before it was ready',
  EPIPE: () => 'the connection was closed before it was ready',
};

export function connectWords({ host, code, proxy }: ConnectProblem): ConnectWords {
  const failed = proxy?.failed === true ? proxy : undefined;
  const who = failed === undefined ? host : failed.shown;
  const fault = CERTIFICATE_FAULTS.find(({ codes }) => code !== undefined && codes.includes(code));
  if (fault !== undefined) {
    return { reason: `the certificate of ${who} ${fault.words} (${code})`, remedy: fault.remedy, lasting: true };
  }
  if (proxy === undefined || failed === undefined) {
    const route = proxy === undefined ? '' : `, through the proxy ${proxy.shown} (${proxy.setting})`;
    return { reason: `${codeText(code, host)}${route}`, lasting: false };
  }
  const proxyName = new URL(failed.shown).hostname;
  if (failed.status !== undefined) return answeredByProxy(host, failed.status, failed);
  return {
    reason: `the proxy ${failed.shown} (${failed.setting}) could not be used: ${codeText(code, proxyName)}`,
    remedy: `Ask the user to check the proxy's address in ${failed.setting}, or to list ${host} in NO_PROXY if it needs no proxy, and to restart the server.`,
    lasting: false,
  };
}

function answeredByProxy(host: string, status: number, { shown, setting }: Pick<ProxyRoute, 'shown' | 'setting'>) {
  const says = (what: string): string => `the proxy ${shown} (${setting}) ${what} (HTTP ${status})`;
  if (status === 407) {
    const remedy = `Ask the user to put a valid user name and password into ${setting} (as USER:PASSWORD@ in front of its host), and to restart the server.`;
    return { reason: says('wants a valid user name and password'), remedy, lasting: true };
  }
  if (status >= 500) {
    const remedy = `Ask the user whether the proxy in ${setting} works, if this stays so.`;
    return { reason: says(`could not reach ${host}`), remedy, lasting: false };
  }
  const remedy = `Ask the user to have ${host} allowed at the proxy, or to list it in NO_PROXY if it needs no proxy, and to restart the server.`;
  return { reason: says(`did not let the connection to ${host} through`), remedy, lasting: true };
}

function codeText(code: string | undefined, host: string): string {
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return known(host);
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS')) {
    return `no encrypted connection came about (${code})`;
  }
  return code === undefined ? 'no connection came about' : `no connection came about (${code})`;
}

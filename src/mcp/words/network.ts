/** The words for connections that did not come about, for models. */
import type { CertificateFault, ConnectReason, ReportedProxy } from '../../core/reasons.ts';
import type { Said, Words } from './said.ts';

const OWN_AUTHORITY =
  'check whether a company proxy or a security program replaces certificates here; if so, set NODE_EXTRA_CA_CERTS to the file of its authority (certificates are always verified)';
const CHECK_DATE = "check this machine's date; if it is right, whoever runs that host has to renew its certificate";

const CERTIFICATES: Readonly<Record<CertificateFault, string>> = {
  expired: 'has expired',
  not_valid_yet: 'is not valid yet',
  other_host: 'belongs to another host name',
  self_signed: 'is self-signed, or issued by an authority that signed itself and is not trusted here',
  unknown_authority: 'was issued by an authority that is not trusted here',
  other: 'is not accepted',
};

export const NETWORK_WORDS: Words<ConnectReason> = {
  not_connected: ({ to, host, errorCode, proxy }) =>
    said(to, `${errorText(errorCode, host)}${proxy === undefined ? '' : `, through the proxy ${named(proxy)}`}`),
  certificate_refused: ({ to, host, fault, errorCode }) => {
    const user = fault === 'expired' || fault === 'not_valid_yet' ? CHECK_DATE : OWN_AUTHORITY;
    return said(to, `the certificate of ${host} ${CERTIFICATES[fault]} (${errorCode})`, user);
  },
  proxy_unusable: ({ to, host, proxy, errorCode }) =>
    said(
      to,
      `the proxy ${named(proxy)} could not be used: ${errorText(errorCode, new URL(proxy.shown).hostname)}`,
      `check the proxy's address in ${proxy.setting}, or list ${host} in NO_PROXY if it needs no proxy, and restart the server`,
    ),
  proxy_refused: ({ to, host, proxy, status }) => {
    const [what, user] = proxyAnswer(status, host, proxy);
    return said(to, `the proxy ${named(proxy)} ${what} (HTTP ${status})`, user);
  },
};

function said(to: ConnectReason['to'], why: string, user?: string): Said {
  const what = to === 'service' ? 'The service could not be reached' : 'The finished picture could not be fetched';
  return { what: `${what}: ${why}.`, user };
}

const named = ({ shown, setting }: ReportedProxy): string => `${shown} (${setting})`;

function proxyAnswer(status: number, host: string, { setting }: ReportedProxy): [what: string, user: string] {
  const wanted = 'a valid user name and password';
  if (status === 407)
    return [
      `wants ${wanted}`,
      `put ${wanted} into ${setting} (as USER:PASSWORD@ in front of its host), and restart the server`,
    ];
  if (status >= 500) return [`could not reach ${host}`, `check whether the proxy in ${setting} works`];
  return [
    `did not let the connection to ${host} through`,
    `have ${host} allowed at the proxy, or list it in NO_PROXY if it needs no proxy, and restart the server`,
  ];
}

const closed = (): string => 'the connection was closed before it was ready';

const ERRORS: Readonly<Record<string, (host: string) => string>> = {
  ECONNREFUSED: () => 'the connection was refused',
  ENOTFOUND: (host) => `the name ${host} could not be resolved`,
  EAI_AGAIN: (host) => `the name ${host} could not be resolved at the moment`,
  ETIMEDOUT: () => 'the connection timed out',
  ENETUNREACH: (host) => `there is no route to the network of ${host}`,
  EHOSTUNREACH: (host) => `there is no route to ${host}`,
  ECONNRESET: closed,
  EPIPE: closed,
};

function errorText(code: string | undefined, host = 'the host'): string {
  if (code === undefined) return 'no connection was made';
  return ERRORS[code]?.(host) ?? `no connection was made (${code})`;
}

/** The words for connections that did not come about, for models. */
import type { CertificateFault, ConnectReason, ReportedProxy } from '../../core/reasons.ts';
import type { Said, Words } from './said.ts';

const OWN_AUTHORITY =
  'check whether a company proxy or a security program replaces certificates here; if so, set NODE_EXTRA_CA_CERTS to ' +
  'the file of its authority (certificates are always verified)';
const CHECK_DATE = "check this machine's date; if it is right, the certificate has to be renewed there";

const CERTIFICATES: Readonly<Record<CertificateFault, { what: string; user: string }>> = {
  expired: { what: 'has expired', user: CHECK_DATE },
  not_valid_yet: { what: 'is not valid yet', user: CHECK_DATE },
  other_host: { what: 'belongs to another host name', user: OWN_AUTHORITY },
  self_signed: {
    what: 'is self-signed, or issued by an authority that signed itself and is not trusted here',
    user: OWN_AUTHORITY,
  },
  unknown_authority: { what: 'was issued by an authority that is not trusted here', user: OWN_AUTHORITY },
  other: { what: 'is not accepted', user: OWN_AUTHORITY },
};

export const NETWORK_WORDS: Words<ConnectReason> = {
  not_connected: ({ to, host, errorCode, proxy }) =>
    said(to, `${errorText(errorCode, host)}${proxy === undefined ? '' : `, through the proxy ${named(proxy)}`}`),
  certificate_refused: ({ to, host, fault, errorCode }) => {
    const { what, user } = CERTIFICATES[fault];
    return said(to, `the certificate of ${host} ${what} (${errorCode})`, user);
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
  const what =
    to === 'service'
      ? `The service could not be reached: ${why}. Nothing was sent.`
      : `The finished picture could not be fetched (${why}).`;
  return { what, ...(user !== undefined && { user }) };
}

const named = ({ shown, setting }: ReportedProxy): string => `${shown} (${setting})`;

function proxyAnswer(status: number, host: string, { setting }: ReportedProxy): [what: string, user: string] {
  const wanted = 'a valid user name and password';
  if (status === 407)
    return [
      `wants ${wanted}`,
      `put ${wanted} into ${setting} (as USER:PASSWORD@ in front of its host), and restart the server`,
    ];
  if (status >= 500)
    return [`could not reach ${host}`, `check whether the proxy in ${setting} works, if this stays so`];
  return [
    `did not let the connection to ${host} through`,
    `have ${host} allowed at the proxy, or list it in NO_PROXY if it needs no proxy, and restart the server`,
  ];
}

const ERRORS: Readonly<Record<string, (host: string) => string>> = {
  ECONNREFUSED: () => 'the connection was refused',
  ENOTFOUND: (host) => `the name ${host} could not be resolved`,
  EAI_AGAIN: (host) => `the name ${host} could not be resolved at the moment`,
  ETIMEDOUT: () => 'no connection came about in time',
  ENETUNREACH: (host) => `there is no route to the network of ${host}`,
  EHOSTUNREACH: (host) => `there is no route to ${host}`,
  ECONNRESET: () => 'the connection was closed before it was ready',
  EPIPE: () => 'the connection was closed before it was ready',
};

function errorText(code: string | undefined, host = 'the host'): string {
  if (code === undefined) return 'no connection came about';
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code] : undefined;
  if (known !== undefined) return known(host);
  const encrypted = /^(?:EPROTO$|ERR_SSL|ERR_TLS)/u.test(code) ? 'encrypted ' : '';
  return `no ${encrypted}connection came about (${code})`;
}

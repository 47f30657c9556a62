/** A connection that did not come about: nothing of the request has left this machine by then. */
import type { CertificateFault, ConnectProblem, ReportedProxy } from '../core/reasons.ts';

/** It has no `code` of its own: undici connects again, without end, for some codes. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  constructor(
    readonly problem: ConnectProblem,
    cause?: unknown,
  ) {
    super(problem.code, { cause });
  }
}

/** Whether the next try ends the same way, until somebody changes something. */
export function isLasting(problem: ConnectProblem): boolean {
  return problem.code === 'certificate_refused' || (problem.code === 'proxy_refused' && problem.status < 500);
}

export class RefusedByProxy extends Error {
  constructor(readonly status: number) {
    super(`The proxy answered ${status}.`);
  }
}

export function problemOf(
  error: unknown,
  host: string,
  errorCode: string | undefined,
  route: ReportedProxy | undefined,
  isProxyReady: boolean,
): ConnectProblem {
  const proxy = route && { shown: route.shown, setting: route.setting };
  const failed = isProxyReady ? undefined : proxy;
  const fault = errorCode && certificateFault(errorCode);
  if (errorCode && fault) return { code: 'certificate_refused', host: failed?.shown ?? host, fault, errorCode };
  const known = { host, ...(errorCode !== undefined && { errorCode }), ...(proxy && { proxy }) };
  if (failed === undefined) return { code: 'not_connected', ...known };
  if (error instanceof RefusedByProxy) return { code: 'proxy_refused', host, proxy: failed, status: error.status };
  return { ...known, code: 'proxy_unusable', proxy: failed };
}

/** By the codes of OpenSSL for a certificate that it refuses. */
const CERTIFICATE_FAULTS = new Map<string, CertificateFault>([
  ['CERT_HAS_EXPIRED', 'expired'],
  ['CERT_NOT_YET_VALID', 'not_valid_yet'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'other_host'],
  ['HOSTNAME_MISMATCH', 'other_host'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self_signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self_signed'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown_authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unknown_authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown_authority'],
]);
const OTHER_FAULT =
  /^(?:CERT|CRL|UNABLE_TO|ERROR_IN_CERT|ERROR_IN_CRL|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|ERR_TLS_CERT)(?:_|$)/u;

function certificateFault(errorCode: string): CertificateFault | undefined {
  return CERTIFICATE_FAULTS.get(errorCode) ?? (OTHER_FAULT.test(errorCode) ? 'other' : undefined);
}

/** A connection that did not come about: nothing of the request has left this machine by then. */
import type { CertificateFault, ConnectProblem } from '../core/reasons.ts';

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

/** What OpenSSL says about a certificate that it refuses. */
const CERTIFICATE_FAULTS: Readonly<Record<CertificateFault, readonly string[]>> = {
  expired: ['CERT_HAS_EXPIRED'],
  not_valid_yet: ['CERT_NOT_YET_VALID'],
  other_host: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
  self_signed: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  unknown_authority: [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ],
  other: [
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
};

export function certificateFault(errorCode: string): CertificateFault | undefined {
  const faults = Object.entries(CERTIFICATE_FAULTS) as [CertificateFault, readonly string[]][];
  return faults.find(([, codes]) => codes.includes(errorCode))?.[0];
}

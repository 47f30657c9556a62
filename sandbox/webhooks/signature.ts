// Owns the signature of webhooks: the HMAC-SHA256 of the raw body, as `X-Doitong-Signature` has it.

import { createHmac } from 'node:crypto';

export const SIGNATURE_HEADER = 'X-Doitong-Signature';

export function signWebhook(body: string | Uint8Array, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** Single orders through limits that admit them by the call, and what is decided of each. */

import type { Limits, OrderToAdmit } from '../../src/limits/limits.ts';
import type { Admission, LimitExceeded } from '../../src/limits/reservations.ts';

type Spending = Parameters<Limits['admit']>[1];

export async function admitOne(
  limits: Pick<Limits, 'admit'> | undefined,
  order: OrderToAdmit,
  spending: Spending,
): Promise<Admission | LimitExceeded> {
  if (limits === undefined) throw new Error('there are no such limits');
  const decision = await limits.admit([order], spending);
  if (decision.type === 'exceeded') return decision;
  const [admission] = decision.admissions;
  if (admission === undefined) throw new Error('nothing was said of the order');
  return admission;
}

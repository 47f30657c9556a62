/** Single orders through a gate that takes them by the call, and the verdict on each as a word. */
import type { Admission, OverLimit } from '../../src/limits/reservations.ts';
import type { PlaceAnswer } from '../../src/limits/slots.ts';
import type { Gate, OrderToAdmit } from '../../src/limits/limits.ts';

type Limits = Parameters<Gate['admit']>[1];

export async function admitOne(
  gate: Pick<Gate, 'admit'> | undefined,
  order: OrderToAdmit,
  limits: Limits,
): Promise<Admission | OverLimit> {
  if (gate === undefined) throw new Error('there is no such gate');
  const verdict = await gate.admit([order], limits);
  if (verdict.type === 'over') return verdict;
  const [admission] = verdict.admissions;
  if (admission === undefined) throw new Error('nothing was said of the order');
  return admission;
}

export async function placeOne(gate: Pick<Gate, 'places'>, id: string): Promise<PlaceAnswer> {
  const answer = (await gate.places([id])).get(id);
  if (answer === undefined) throw new Error('nothing was said of the order');
  return answer;
}

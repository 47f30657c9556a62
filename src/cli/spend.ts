/** `spend`: what the orders with one key have cost, by day or month (UTC), as the records say. */
import type { Job } from '../core/job.ts';
import { iso } from '../mcp/job-view.ts';
import { damagedRecords } from '../storage/file-stores.ts';
import type { Arguments } from './command.ts';
import { openRecords } from './records.ts';
import { oneOf } from './settings.ts';
import { counted, print, visible } from './terminal-text.ts';

/** Of orders. `credits`: of the `priced` ones. `unpriced`: paid for at an unknown price. `uncertain`: may have been charged. */
export const noCost = () => ({ pictures: 0, credits: 0, priced: 0, unpriced: 0, uncertain: 0 });
export type Cost = ReturnType<typeof noCost>;

/** Adds what the order has cost. */
export function addTo(cost: Cost, { state, failure, secondRemoteId, credits: { exact } }: Job): void {
  const hasPicture = state === 'saved' || state === 'completed';
  const isPaid = hasPicture || (state === 'processing' && exact !== null) || failure?.creditsSpent === 'yes';
  const isFree = state === 'queued' || (state === 'failed' && failure?.creditsSpent === 'no');
  if (hasPicture) cost.pictures += 1;
  if (isPaid) cost[exact === null ? 'unpriced' : 'priced'] += 1;
  if (isPaid) cost.credits += exact ?? 0;
  if (!isPaid && !isFree) cost.uncertain += 1;
  // The service may have made a second job of the order.
  if (secondRemoteId !== undefined) cost.uncertain += 1;
}

/** What is known of the sum. @param isPlain a number, or nothing */
export function creditsText({ credits, priced, unpriced, uncertain }: Cost, isPlain = false): string {
  const isKnown = unpriced + uncertain === 0;
  if (!isKnown && priced === 0) return isPlain ? '' : 'unknown';
  // Prices may have decimals, which computers do not add exactly.
  return `${isKnown || isPlain ? '' : 'at least '}${Number(credits.toFixed(6))}`;
}

/** Newest first. */
export async function spendOf(jobs: AsyncIterable<Job>, by: 'day' | 'month') {
  const costs = new Map<string, Cost>();
  const total = noCost();
  for await (const job of jobs) {
    if (job.sandbox) continue;
    const period = iso(job.createdAt).slice(0, by === 'day' ? 10 : 7);
    const cost = costs.get(period) ?? noCost();
    costs.set(period, cost);
    for (const sum of [cost, total]) addTo(sum, job);
  }
  return { by, periods: [...costs].sort(([one], [other]) => (one < other ? 1 : -1)), total };
}

/** @param isCsv as RFC 4180 says, without the total, which whoever adds up a column would count again */
export function spendText({ by, periods, total }: Awaited<ReturnType<typeof spendOf>>, isCsv = false): string {
  const head = [by, 'pictures', 'credits', 'unknown_price', 'may_have_been_charged'];
  const rows = (isCsv ? periods : [...periods, ['Total', total] as const]).map(([name, cost]) =>
    [name, cost.pictures, creditsText(cost, isCsv), cost.unpriced, cost.uncertain].map(String),
  );
  if (isCsv) return [head, ...rows].map((cells) => `${cells.join(',')}\r\n`).join('');
  const table = [head.map((name) => name.replaceAll('_', ' ').toUpperCase()), ...rows];
  const widths = head.map((_, at) => Math.max(...table.map((cells) => cells[at]?.length ?? 0)));
  const pad = (text: string, at: number) => text[at === 0 ? 'padEnd' : 'padStart'](widths[at] ?? 0);
  return table.map((cells) => cells.map(pad).join('  ')).join('\n');
}

export async function run(args: Arguments): Promise<number> {
  const by = oneOf(args, 'by', ['day', 'month']) ?? 'day';
  const isCsv = args.flags.csv !== undefined;
  const { app, apiUrl, folder, log } = await openRecords(args, 'spend');
  const spend = await spendOf(app.store.newest(), by).finally(app.close);
  const { count } = await damagedRecords(folder);
  const damaged = count === 0 ? [] : [`Not counted: ${counted(count, 'damaged record')} (see jobs list).`];
  const whose = `on record for ${apiUrl} and this key`;
  const about = [spendText(spend), '', `Of the orders ${whose}, by when they were placed (UTC).`];
  const found = spend.periods.length > 0 ? about : [`There are no orders ${whose}.`];
  if (isCsv) process.stdout.write(spendText(spend, isCsv));
  else print(visible([...found, ...damaged, `Records: ${folder}`].join('\n')));
  if (isCsv) for (const note of damaged) log.warn(note);
  return 0;
}

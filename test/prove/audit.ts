/** What must hold at every moment of a run, by the service's books and by what lies on the disk. */
import { basename } from 'node:path';
import type { Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/job-store.ts';
import { Limits } from '../../src/limits/limits.ts';
import { PLAN_LIMITS } from '../../src/limits/plan.ts';
import { totalsOf, utcDay } from '../../src/limits/reservations.ts';
import { createFileJobStore, createFileValues } from '../../src/storage/file-stores.ts';
import { sharedFolder } from '../../src/storage/paths.ts';
import { recordsIn } from '../support/listed-jobs.ts';
import { QUIET } from '../unit/storage/engines.ts';
import type { MemoryDisk, Operation } from './memory-disk.ts';
import { PICTURES, type Program, type ProgramSettings, STATE } from './virtual-program.ts';
import type { Charge, VirtualService } from './virtual-service.ts';
import type { VirtualWorld } from './virtual-world.ts';

export const BREACHES = [
  'paid twice',
  'lost',
  'denied charge',
  'over budget',
  'slots',
  'no record',
  'books',
  'waits for the dead',
  'taken for dead',
  'sent by another',
  'no end',
  'unforeseen error',
] as const;
export type BreachKind = (typeof BREACHES)[number];
export type Breach = { kind: BreachKind; what: string };

const RESERVATIONS = /\/shared\/reservations\.\d+\.json$/u;
const RECORD = /\/jobs\/[^/]+\/(job_[0-9a-z]+)\.[^/]*\.json$/u;

type Denied = Pick<Job, 'id' | 'idempotencyKey'>;

export class Audit {
  readonly breaches: Breach[] = [];
  /** What happened, in short, for whoever looks for the cause. */
  readonly trace: string[] = [];
  /** Pictures that are wanted, by prompt. */
  readonly wanted = new Map<string, number>();
  /** Sessions of processes that were killed, ended, stopped or put to sleep: all others are at work. */
  readonly disturbed = new Set<string>();
  /** By an answer. */
  readonly #deniedKeys = new Set<string>();
  /** By a record: only as long as there is one that says so. */
  readonly #deniedByRecord = new Set<string>();
  readonly #idOfKey = new Map<string, string>();
  /** Who has recorded orders that have not left. */
  readonly #queuedBy = new Map<string, string>();
  #store: JobStore;
  #limits: Limits;
  /** Days that the clocks of the processes have shown. */
  readonly #days = new Set<number>();

  constructor(
    private readonly world: VirtualWorld,
    private readonly disk: MemoryDisk,
    private readonly service: VirtualService,
    private readonly settings: ProgramSettings,
    private readonly programs: () => readonly Program[],
  ) {
    this.#store = this.#openStore();
    this.#limits = this.#openLimits();
    service.onCharge = (charge) => this.#checkCharge(charge);
  }

  get #deps() {
    return { clock: this.world.outside.clock, log: QUIET, files: this.disk.processView() };
  }

  #openStore(): JobStore {
    return createFileJobStore(STATE, { ...this.#deps, outputFolder: PICTURES });
  }

  #openLimits(): Limits {
    const values = createFileValues(sharedFolder(STATE), this.#deps);
    const { plan } = this.settings;
    return new Limits(values, { ...this.#deps, plan, jobs: async () => recordsIn(this.#store) });
  }

  /** What was seen on the disk before it lost something is no longer known of it; what somebody was told still is. */
  async checkAfterPowerFailure(): Promise<void> {
    this.#store = this.#openStore();
    this.#limits = this.#openLimits();
    this.#idOfKey.clear();
    this.#deniedByRecord.clear();
    this.#queuedBy.clear();
    for (const { id } of await this.records()) await this.#checkRecord(id);
    await this.#checkRecordsOfCharges();
  }

  note(text: string): void {
    this.trace.push(`${(this.world.time / 1_000).toFixed(3).padStart(10)} s  ${text}`);
  }

  breach(kind: BreachKind, what: string): void {
    if (this.breaches.some((known) => known.kind === kind && known.what === what)) return;
    this.note(`BREACH ${kind}: ${what}`);
    this.breaches.push({ kind, what });
  }

  records(): Promise<readonly Job[]> {
    return recordsIn(this.#store);
  }

  /** Of what has just been done on the disk by one of the processes. */
  async checkOperation({ call, path, to = path }: Operation): Promise<void> {
    if (call === 'link' || call === 'rename') {
      if (RESERVATIONS.test(to)) await this.#checkReservations();
      const [, id] = RECORD.exec(to) ?? [];
      if (id !== undefined) await this.#checkRecord(id);
    }
    if ((call === 'unlink' || call === 'rename') && RECORD.test(path)) await this.#checkRecordsOfCharges();
  }

  async #checkReservations(): Promise<void> {
    const { reservations } = await this.#limits.state();
    const { maxCreditsPerDay, plan } = this.settings;
    for (const { process } of this.programs()) this.#days.add(utcDay(process.clock.now()));
    const { spentCredits, reservedCredits, slotsInUse } = totalsOf(reservations, this.world.outside.clock.now());
    // Whose clock shows another day has a budget of its own; what it has not settled counts for this day, too.
    const most = maxCreditsPerDay * this.#days.size;
    if (spentCredits + reservedCredits > most)
      this.breach('over budget', `${spentCredits} spent and ${reservedCredits} reserved of ${most}`);
    const slots = PLAN_LIMITS[plan].concurrentJobs;
    if (slots !== null && slotsInUse > slots) this.breach('slots', `${slotsInUse} of ${slots} in use`);
  }

  async #checkRecord(id: string): Promise<void> {
    const job = (await this.#store.read(id))?.value;
    if (job === undefined) return;
    this.#idOfKey.set(job.idempotencyKey, id);
    this.note(
      `  ${id.slice(-5)} ${job.state}${job.failure ? ` (${job.failure.kind}, ${job.failure.reason.code})` : ''}`,
    );
    if (job.state === 'failed' && job.failure?.creditsSpent === 'no') {
      this.#deniedByRecord.add(job.idempotencyKey);
      this.#checkDenied(job);
    }
    const { session } = job.owner;
    if (job.state === 'queued') this.#queuedBy.set(id, this.#queuedBy.get(id) ?? session);
    else if (job.state !== 'failed') {
      // Ending a process is how a user stops what has not left.
      if ((this.#queuedBy.get(id) ?? session) !== session) this.breach('sent by another', `${id}, by ${session}`);
      this.#queuedBy.delete(id);
    }
    if (job.failure?.reason.code === 'owner_ended' && !this.disturbed.has(session))
      this.breach('taken for dead', `${session}, which is at work on ${id}`);
  }

  async #checkRecordsOfCharges(): Promise<void> {
    for (const charge of this.service.charges) await this.#checkRecordOf(charge);
  }

  async #checkRecordOf({ key, remoteId }: Charge): Promise<void> {
    const id = this.#idOfKey.get(key);
    const job = id === undefined ? undefined : (await this.#store.read(id))?.value;
    if (job?.idempotencyKey !== key) this.breach('no record', `of ${remoteId}, charged under ${key}`);
    else if (job.state === 'queued') this.breach('no record', `that ${remoteId} may have left: it is queued`);
  }

  #checkCharge(charge: Charge): void {
    const { key, prompt, remoteId, credits } = charge;
    this.note(`  charged: ${remoteId} "${prompt}" under ${key}, ${charge.end} in ${charge.endsAt - charge.at} ms`);
    const { charges } = this.service;
    const ofPrompt = charges.filter((one) => one.prompt === prompt);
    // One that could not be made is in nobody's way, once that is known.
    const failed = ofPrompt.filter(({ end, endsAt }) => end === 'FAILED' && endsAt <= charge.at);
    if (ofPrompt.length - failed.length > (this.wanted.get(prompt) ?? 0))
      this.breach('paid twice', `"${prompt}" under ${ofPrompt.map((one) => one.key).join(', ')}`);
    if (this.#deniedKeys.has(key) || this.#deniedByRecord.has(key))
      this.breach('denied charge', `${remoteId} under ${key}, of which credits were denied`);
    const day = utcDay(this.#epoch(charge.at));
    const onDay = charges.filter(({ at }) => utcDay(this.#epoch(at)) === day);
    const sum = onDay.reduce((total, one) => total + one.credits, 0);
    for (const { process } of this.programs()) this.#days.add(utcDay(process.clock.now()));
    if (sum > this.settings.maxCreditsPerDay * this.#days.size)
      this.breach('over budget', `${sum} charged, the last ${credits} for "${prompt}"`);
    void this.#checkRecordOf(charge);
  }

  #epoch(time: number): number {
    return this.world.outside.clock.now() - this.world.time + time;
  }

  /** An answer says that no credits were spent for this job. */
  deny(job: Denied): void {
    if (job.idempotencyKey === '') return;
    this.#deniedKeys.add(job.idempotencyKey);
    this.#checkDenied(job);
  }

  #checkDenied({ idempotencyKey: key, id }: Denied): void {
    if (this.service.charges.some((charge) => charge.key === key))
      this.breach('denied charge', `${id} says that nothing was spent under ${key}`);
  }

  /** A call was refused as a whole: no key that it made may ever be charged. */
  denyCall(keys: ReadonlySet<string>): void {
    for (const idempotencyKey of keys) this.deny({ idempotencyKey, id: 'a call' });
  }

  /**
   * What processes have left that have ended, or stand still, is in other hands: orders are closed or sent again, and
   * pictures that have been there for so long are fetched. Others may poll a job without taking it over.
   * @param picturesMs absent: pictures are not looked at, because reads may have to wait for the request limit
   */
  async checkTakenOver(isGone: (session: string) => boolean, picturesMs?: number): Promise<void> {
    for (const job of await this.#store.open()) {
      if (job.state === 'unknown' || !isGone(job.owner.session)) continue;
      const charge = this.service.charges.find(({ key }) => key === job.idempotencyKey);
      const isFinished = picturesMs !== undefined && charge && charge.fetchableAt + picturesMs <= this.world.time;
      if (job.state === 'queued' || job.state === 'submitting' || isFinished)
        this.breach('waits for the dead', `${job.id} is ${job.state} and still owned by ${job.owner.session}`);
    }
  }

  /**
   * Nothing is reserved for orders that were refused: who was to record them has answered by now.
   * @param isReconciled whether the reservations follow the records again by now, too
   */
  async checkNothingReserved(isReconciled: boolean): Promise<void> {
    const { reservations } = await this.#limits.state();
    for (const { id, end } of reservations.entries) {
      const job = end === undefined ? (await this.#store.read(id))?.value : undefined;
      if (end === undefined && (job === undefined || (isReconciled && job.state === 'failed')))
        this.breach('books', `credits are reserved for ${id}, which ${job ? 'has failed' : 'has no record'}`);
    }
  }

  /** When all is over: each charge has its picture, and the books agree. */
  async checkEnd(): Promise<void> {
    const jobs = await recordsIn(this.#store);
    const tree = this.disk.tree();
    for (const { key, remoteId, prompt, end, ...charge } of this.service.charges) {
      const job = jobs.find(({ idempotencyKey }) => idempotencyKey === key);
      if (job === undefined || job.remoteId !== remoteId) {
        this.breach('lost', `no record leads to ${remoteId} ("${prompt}")`);
        continue;
      }
      const isKept = job.file !== undefined && tree[job.file] === this.service.pictureOf(remoteId);
      if (end === 'COMPLETED' && !(job.state === 'saved' && isKept))
        this.breach(
          'lost',
          `the picture of ${remoteId} ("${prompt}"): ${job.state}, ${basename(job.file ?? 'no file')}`,
        );
      if (end !== 'COMPLETED' && job.state !== 'failed') this.breach('no end', `${remoteId} is ${job.state}`);
      const { exact, max } = job.credits;
      if ((exact ?? max) !== (charge.reportsPrice ? charge.credits : max))
        this.breach('books', `${remoteId} cost ${charge.credits}, its record says ${exact}`);
    }
    for (const job of jobs)
      if (!['saved', 'failed'].includes(job.state)) this.breach('no end', `${job.id} is ${job.state}`);
    await this.#checkSums(jobs);
  }

  async #checkSums(jobs: readonly Job[]): Promise<void> {
    const { reservations } = await this.#limits.state();
    const { spentCredits, reservedCredits, slotsInUse } = totalsOf(reservations, this.world.outside.clock.now());
    const credits = Object.values(reservations.days).reduce((sum, day) => sum + day.credits, 0);
    const images = Object.values(reservations.days).reduce((sum, day) => sum + day.images, 0);
    const charged = this.service.charges.map(({ key, ...charge }) => {
      const job = jobs.find(({ idempotencyKey }) => idempotencyKey === key);
      return charge.reportsPrice ? charge.credits : (job?.credits.max ?? charge.credits);
    });
    const sum = charged.reduce((total, one) => total + one, 0);
    if (credits !== sum || images !== charged.length)
      this.breach('books', `${images} pictures for ${credits} credits, charged were ${charged.length} for ${sum}`);
    if (reservedCredits !== 0 || slotsInUse !== 0 || spentCredits > credits)
      this.breach('books', `${reservedCredits} credits are still reserved, ${slotsInUse} slots still in use`);
  }
}

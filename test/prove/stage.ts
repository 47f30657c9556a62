/** A story in a virtual world: processes of the program over one disk, the service, who orders pictures, and the audit. */
import { FluxError } from '../../src/core/failure.ts';
import type { Order } from '../../src/core/image-request.ts';
import { isSettled, type Job } from '../../src/core/job.ts';
import { placeOrders } from '../../src/mcp/ordering.ts';
import type { ToolOutcome } from '../../src/mcp/tool.ts';
import { createDice, type Dice } from '../crash/dice.ts';
import { Audit } from './audit.ts';
import { type DiskOptions, type Hooks, MemoryDisk } from './memory-disk.ts';
import type { ProcessOptions } from './virtual-process.ts';
import { keysOfCall, type Program, type ProgramSettings, startProgram } from './virtual-program.ts';
import { NO_TROUBLE, VirtualService } from './virtual-service.ts';
import { type Event, VirtualWorld } from './virtual-world.ts';

/** One call of a user, repeated until its pictures are there. */
export type Intent = { name: string; orders: readonly Order[]; isBatch: boolean };

/** What a call came to. `refused`: the call as a whole, before anything was ordered. */
export type Outcome =
  | { type: 'jobs'; jobs: readonly Job[] }
  | { type: 'refused'; kind: FluxError['failure']['kind']; creditsSpent: FluxError['failure']['creditsSpent'] }
  | { type: 'cancelled' }
  | { type: 'killed' };

export type StageOptions = {
  seed: number;
  settings?: Partial<ProgramSettings>;
  disk?: DiskOptions;
  /** See `VirtualWorld`. */
  beforeEvent?: (event: Event) => void;
};

/** What nobody works on any more is in other hands within so long. */
export const TAKEN_OVER_MS = 20_000;

/** Answers after which a call is not repeated. */
const FINAL = ['moderated', 'no_credits', 'over_budget', 'bad_input', 'bad_key'];

/** What a call to the disk takes, in milliseconds: most of the time goes into forcing. */
const DELAYS: Record<string, number> = { force: 1, sync: 1, link: 0.1, open: 0.1, list: 0.05, read: 0.05 };
export const diskDelays = (label: string): number => DELAYS[label.split(' ', 1)[0] ?? ''] ?? 0;

export class Stage {
  readonly world: VirtualWorld;
  readonly disk: MemoryDisk;
  readonly service: VirtualService;
  readonly audit: Audit;
  readonly dice: Dice;
  readonly programs: Program[] = [];
  readonly #settings: ProgramSettings;
  #sessions = 0;

  constructor({ seed, settings, disk, beforeEvent }: StageOptions) {
    this.world = new VirtualWorld({ seed, ...(beforeEvent && { beforeEvent }) });
    this.disk = new MemoryDisk({ holds: { '/user/': '' }, now: this.world.outside.clock.now, seed, ...disk });
    this.dice = createDice(seed + 1_000_000);
    const { clock } = this.world.outside;
    this.service = new VirtualService(clock, () => this.world.time, createDice(seed + 2_000_000));
    this.#settings = { plan: 'pro', maxCreditsPerDay: 1_000, ...settings };
    this.audit = new Audit(this.world, this.disk, this.service, this.#settings, () => this.programs);
  }

  /** One that was killed comes back as another one. */
  start(options: ProcessOptions, hooks: Hooks = {}): Program {
    const process = this.world.addProcess(options);
    this.#sessions += 1;
    const program = startProgram(process, {
      disk: this.disk,
      service: this.service,
      settings: this.#settings,
      session: `p${this.#sessions}`,
      hooks: {
        ...hooks,
        after: async (operation) => {
          await this.audit.checkOperation(operation);
          await hooks.after?.(operation);
        },
      },
    });
    this.programs.push(program);
    this.audit.note(`${program.session} starts as ${options.name}`);
    return program;
  }

  /** Notes what the user wants: more than that may never be charged. */
  intend(intent: Intent): Intent {
    const { wanted } = this.audit;
    for (const { request } of intent.orders) wanted.set(request.prompt, (wanted.get(request.prompt) ?? 0) + 1);
    return intent;
  }

  /** One call, as a tool makes it. */
  async call(
    program: Program,
    { name, orders, isBatch }: Intent,
    signal = new AbortController().signal,
  ): Promise<Outcome> {
    const { audit } = this;
    const { process, jobs, session } = program;
    audit.note(`${session} calls ${name}`);
    const keys = new Set<string>();
    const tool = isBatch ? 'generate_images' : 'generate_image';
    try {
      // As every tool call does.
      jobs.watch();
      const work = keysOfCall.run(keys, () => placeOrders(orders, { tool, isBatch }, program.context(signal)));
      const outcome = await process.unlessKilled(work);
      const result = outcomeOf(outcome);
      const said = result.type === 'jobs' ? result.jobs.map(({ state }) => state).join(', ') : result.type;
      audit.note(`${session} is answered about ${name}: ${said}`);
      if (result.type === 'jobs')
        for (const job of result.jobs) if (job.failure?.creditsSpent === 'no') audit.deny(job);
      return result;
    } catch (error) {
      if (signal.aborted) return { type: 'cancelled' };
      if (!(error instanceof FluxError)) {
        audit.breach('unforeseen error', String(error));
        return { type: 'refused', kind: 'service_error', creditsSpent: 'maybe' };
      }
      const { kind, creditsSpent, reason } = error.failure;
      audit.note(`${session} is refused ${name}: ${kind}, ${reason.code}, credits ${creditsSpent}`);
      if (creditsSpent === 'no') audit.denyCall(keys);
      return { type: 'refused', kind, creditsSpent };
    }
  }

  /** Whether the pictures are there, or never will be. */
  isFinal(outcome: Outcome): boolean {
    if (outcome.type === 'refused') return FINAL.includes(outcome.kind);
    return outcome.type === 'jobs' && outcome.jobs.every((job) => job.state === 'saved' || isRefusedForGood(job));
  }

  kill(program: Program): void {
    this.audit.note(`${program.session} is killed`);
    this.audit.disturbed.add(program.session);
    program.process.kill();
  }

  /** All processes end at once, and this is left of the disk. Requests that have left are on their way all the same. */
  failPower(left: MemoryDisk): void {
    this.audit.note('the power fails');
    for (const program of this.programs) this.kill(program);
    this.disk.comeBackAs(left);
  }

  /** Repeats the calls until they are final, and waits until nothing is open. Nothing goes wrong meanwhile. */
  async finish(program: Program, intents: readonly Intent[]): Promise<void> {
    const { clock } = this.world.outside;
    this.service.trouble = NO_TROUBLE;
    this.audit.note('all is calm');
    const isKilled = (session: string) => this.programs.some((one) => one.session === session && one.process.isKilled);
    const takenOver = clock.sleep(TAKEN_OVER_MS).then(() => this.audit.checkTakenOver(isKilled));
    for (const intent of intents) {
      let isOver = false;
      for (let attempt = 1; attempt <= 40 && !isOver; attempt += 1) {
        isOver = this.isFinal(await this.call(program, intent));
        if (!isOver) await clock.sleep(15_000);
      }
      if (!isOver) this.audit.breach('no end', `${intent.name} was repeated forty times`);
    }
    // What nobody asks for any more is looked after all the same.
    for (let round = 1; round <= 60; round += 1) {
      if ((await this.audit.records()).every(isSettled)) break;
      program.jobs.watch();
      await clock.sleep(15_000);
    }
    await takenOver;
    // The last changes of the reservations follow the records.
    await clock.sleep(5_000);
    await program.process.unlessKilled(program.jobs.limits());
    await this.audit.checkEnd();
  }
}

function outcomeOf(outcome: ToolOutcome | 'killed' | object): Outcome {
  if (outcome === 'killed') return { type: 'killed' };
  if (!('type' in (outcome as object))) throw new Error('a tool answered something else');
  const answer = outcome as ToolOutcome;
  if (answer.type === 'job') return { type: 'jobs', jobs: [answer.job] };
  if (answer.type === 'jobs') return { type: 'jobs', jobs: answer.jobs };
  throw new Error(`a tool answered with ${answer.type}`);
}

function isRefusedForGood({ state, failure }: Job): boolean {
  return state === 'failed' && failure !== undefined && FINAL.includes(failure.kind);
}

/** One picture. */
export const single = (prompt: string): Intent => ({ name: prompt, isBatch: false, orders: [orderOf(prompt)] });

export const batch = (prompts: readonly string[]): Intent => ({
  name: `[${prompts.join(', ')}]`,
  isBatch: true,
  orders: prompts.map(orderOf),
});

function orderOf(prompt: string): Order {
  return { request: { prompt, width: 1024, height: 1024 } };
}

/** One reader at one job: what it reads first, one step after the other, and how it ended. */
import * as z from 'zod';
import { type EvalJob, jobNamed, type Outcome } from './jobs.ts';
import { type SavedPicture, type Seen, type Tool, World } from './world.ts';

export const stepSchema = z.union([
  z.strictObject({ tool: z.string(), arguments: z.unknown().optional() }),
  z.strictObject({ answer: z.enum(['yes', 'no']) }),
  z.strictObject({ done: z.string() }),
]);
export type Step = z.infer<typeof stepSchema>;

/** How a job ended; `problems` is empty where its goal was reached. */
export type Result = {
  problems: string[];
  /** Of tools. */
  calls: number;
  /** That the model read: instructions, tools, answers. */
  characters: number;
  /** Pictures that were charged, for each turn. */
  charges: number[];
};

const SETTLED_MS = 20_000;

const HOW = `You are the model in a chat with a user. The host has one MCP server, and all you know of it is what follows.
You have nothing else: no shell, no files, no web. Take one step at a time, as JSON:
  {"tool": "NAME", "arguments": {…}}      calls a tool
  {"done": "…"}                           ends your turn with what you tell the user
  {"answer": "yes"} or {"answer": "no"}   only when the host shows its user a question: what this user would say to it`;

export class Session {
  readonly #job: EvalJob;
  readonly #world: World;
  readonly #tools: readonly Tool[];
  readonly #instructions: string;
  #opening = '';
  #calls = 0;
  #characters = 0;
  readonly #said: string[] = [];
  /** How much was charged before the first turn, and at the end of each. */
  readonly #charged: number[];
  /** In the folder when the reader was done. */
  #pictures: readonly SavedPicture[] = [];
  readonly #answers: Outcome['answers'][number][] = [];

  private constructor(job: EvalJob, world: World, instructions: string, tools: readonly Tool[]) {
    this.#job = job;
    this.#world = world;
    this.#instructions = instructions;
    this.#tools = tools;
    this.#characters = instructions.length + tools.map(toolText).join('').length;
    this.#charged = [world.earlier.length];
  }

  static async open(id: string): Promise<Session> {
    const job = jobNamed(id);
    const world = await World.open(job.world, id);
    const session = new Session(job, world, await world.instructions(), await world.tools());
    if (job.opening !== undefined) session.#opening = await session.#call(job.opening.tool, job.opening.arguments);
    return session;
  }

  /** The texts that a host gives to a model before anything happens, by name. */
  texts(): Record<string, string> {
    const tools = this.#tools.map((tool) => [tool.name, toolText(tool)]);
    return { instructions: this.#instructions, ...Object.fromEntries(tools) };
  }

  briefing(): string {
    const { opening, says } = this.#job;
    const parts = [
      HOW,
      `=== Instructions of the server ===\n${this.#instructions}`,
      `=== Tools ===\n${this.#tools.map(toolText).join('\n\n')}`,
      `=== The user ===\n${says[0]}`,
    ];
    if (opening !== undefined)
      parts.push(`=== You have already called ===\n${JSON.stringify(opening)}\n=== Answer ===\n${this.#opening}`);
    return parts.join('\n\n');
  }

  /** What the opening call was answered. */
  get opening(): string {
    return this.#opening;
  }

  get isOver(): boolean {
    return this.#said.length === this.#job.says.length;
  }

  /** @returns what the reader sees */
  async step(step: Step): Promise<string> {
    if (this.isOver) return 'The job is over.';
    if ('answer' in step) {
      const seen = await this.#world.answer(step.answer === 'yes');
      return seen === undefined ? 'The host has put no question.' : this.#shownAnswer(seen);
    }
    if (this.#world.isAsking)
      return 'The host is waiting for an answer to its question: {"answer": "yes"} or {"answer": "no"}.';
    if ('tool' in step) return this.#call(step.tool, step.arguments);
    this.#said.push(step.done);
    this.#pictures = await this.#world.pictures();
    this.#charged.push(this.#world.orders().length);
    return this.isOver ? 'The job is over. Thank you.' : `=== The user ===\n${this.#job.says[this.#said.length]}`;
  }

  async #call(tool: string, args: unknown): Promise<string> {
    this.#calls += 1;
    this.#answers.push({ call: { tool, arguments: args }, text: '', pictures: 0 });
    return this.#shownAnswer(await this.#world.call({ tool, arguments: args }));
  }

  #shownAnswer({ text, question, pictures }: Seen): string {
    if (question !== undefined) return `=== The host asks its user ===\n${question}`;
    const last = this.#answers.pop();
    if (last !== undefined) this.#answers.push({ ...last, text, pictures });
    this.#characters += text.length;
    return text;
  }

  passTime(atMostMs: number): Promise<void> {
    return this.#world.passTime(atMostMs);
  }

  /** By what the service has charged, what was on disk, and what was said. */
  async result(): Promise<Result> {
    // Whatever is still on its way counts as an order of the last turn.
    await this.passTime(SETTLED_MS);
    const all = this.#world.orders();
    const ends = this.#charged.slice(1, -1);
    const orders = this.#said.map((_, turn) => all.slice(this.#charged[turn], ends[turn]));
    const charges = orders.map(({ length }) => length);
    const pictures = this.#pictures;
    const { earlier } = this.#world;
    const outcome = { said: this.#said, orders, earlier, pictures, answers: this.#answers };
    const wanted = this.#job.charges.join(' + ');
    const problems = [
      charges.join(' + ') !== wanted && `${charges.join(' + ')} pictures were charged, not ${wanted}`,
      pictures.some(({ width }) => width === 0) && 'a picture on disk does not decode',
      ...this.#job.goal(outcome),
    ].filter((problem) => problem !== false);
    return { problems, calls: this.#calls, characters: this.#characters, charges };
  }

  close(): Promise<void> {
    return this.#world.close();
  }
}

function toolText({ name, description, inputSchema }: Tool): string {
  return `${name}: ${description}\nArguments: ${JSON.stringify(inputSchema)}`;
}

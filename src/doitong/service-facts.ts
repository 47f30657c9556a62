/** What was found out about this service: recalled once, kept for the next process, forgotten when it does not fit. */
import * as z from 'zod';
import type { Log } from '../core/ports.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import type { WireMemory } from '../core/wire-memory.ts';
import { DIALECT_NAMES, type DialectName, DOCUMENTED_ENCODING, type Encoding } from './dialects.ts';
import { isGraphqlName } from './documents.ts';
import { type StatusQuery, statusQuerySchema } from './schema/status-query.ts';

const fieldPath = z.string().max(200);
const names = z.array(fieldPath).max(20).catch([]);
/** Read from the disk: a type's name stands in a document. */
const factsSchema = z.object({
  dialect: z.enum(DIALECT_NAMES).optional().catch(undefined),
  leftOut: names,
  webhookInOptions: z.boolean().catch(false),
  unselected: names,
  typeName: z.string().max(120).refine(isGraphqlName).optional().catch(undefined),
  values: z.record(fieldPath, z.record(fieldPath, fieldPath.nullable())).catch({}),
  reading: z
    .union([statusQuerySchema, z.literal('rest')])
    .optional()
    .catch(undefined),
});

export type Facts = {
  dialect?: DialectName;
  /** How orders are encoded in that dialect. */
  encoding: Encoding;
  /** How jobs are asked for; `rest`: by GET. */
  reading?: StatusQuery | 'rest';
};

const NOTHING: Facts = { encoding: DOCUMENTED_ENCODING };

export class ServiceFacts {
  readonly #memory: WireMemory;
  readonly #log: Log;
  readonly #containsSecret: ContainsSecret;
  #known: Facts = NOTHING;
  #recalled: Promise<void> | undefined;

  /** @param containsSecret names come from the service, which may repeat the key in one */
  constructor(memory: WireMemory, log: Log, containsSecret: ContainsSecret = () => false) {
    this.#memory = memory;
    this.#log = log;
    this.#containsSecret = containsSecret;
  }

  async get(): Promise<Facts> {
    this.#recalled ??= this.#recall();
    await this.#recalled;
    return this.#known;
  }

  /** An order in this encoding was accepted. */
  async noteOrdering(dialect: DialectName, encoding: Encoding): Promise<void> {
    await this.#change({ ...(await this.get()), dialect, encoding });
  }

  async noteReading(reading: StatusQuery | 'rest'): Promise<void> {
    await this.#change({ ...(await this.get()), reading });
  }

  /** The dialect is not offered any more, unless another one was found meanwhile; how jobs are read stays. */
  async forgetOrdering(dialect: DialectName): Promise<void> {
    const { reading, dialect: known } = await this.get();
    if (known !== dialect) return;
    this.#log.info('The dialect of this service no longer works and is determined again');
    await this.#change({ ...NOTHING, ...(reading === undefined ? {} : { reading }) });
  }

  /** This status query does not fit any more. @returns false when another one was found meanwhile */
  async forgetReading(unfit: StatusQuery | 'rest'): Promise<boolean> {
    const { reading, ...rest } = await this.get();
    if (JSON.stringify(reading) !== JSON.stringify(unfit)) return false;
    await this.#change(rest);
    return true;
  }

  async #change(facts: Facts): Promise<void> {
    const before = this.#known;
    this.#known = facts;
    const { encoding, ...rest } = facts;
    const text = JSON.stringify(facts);
    if (text !== JSON.stringify(before) && !this.#containsSecret(text))
      await this.#memory.remember({ ...rest, ...encoding });
  }

  async #recall(): Promise<void> {
    const recalled = await this.#memory.recall();
    const read = factsSchema.safeParse(recalled);
    if (recalled === undefined || !read.success) return;
    const { dialect, reading, typeName, ...encoding } = read.data;
    this.#known = {
      ...(dialect === undefined ? {} : { dialect }),
      encoding: { ...encoding, ...(typeName === undefined ? {} : { typeName }) },
      ...(reading === undefined ? {} : { reading }),
    };
  }
}

/** The pictures that `generate` is to order: its prompts, flags and file, checked as the tools check their arguments. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import * as z from 'zod';
import type { Order } from '../core/image-request.ts';
import { attempt } from '../core/primitives.ts';
import type { Redact } from '../core/redaction.ts';
import { cleanLine, fenced } from '../core/untrusted-text.ts';
import { repaired, type Schema, schemaIn } from '../mcp/arguments.ts';
import { problemsOf } from '../mcp/input-problems.ts';
import { orderOf, orderSchema, ordersSchema } from '../mcp/ordering.ts';
import { generateImages } from '../mcp/tools/generate-images.ts';
import { type Arguments, allowedInstead, UsageError } from './command.ts';

/** As many pictures as a call of the tools takes. */
export const BATCH = 50;

const SCHEMA = z.toJSONSchema(ordersSchema, { io: 'input' }) as Schema;
const COLUMNS = Object.keys(schemaIn(schemaIn(SCHEMA, 'images'), 0)?.properties ?? {});

/** `--version` prints the version of the program, with every command. */
const flagOf = (argument: string) => argument.replace(/^version$/u, 'flux-version').replaceAll('_', '-');

const FIELDS = Object.entries({ ...ordersSchema.shape, ...orderSchema.shape });
/** What the schemas say of the arguments, by flag. */
export const ARGUMENT_WORDS = Object.fromEntries(
  FIELDS.map(([name, { description = '' }]) => [flagOf(name), description]),
);

type Row = Readonly<Record<string, string>>;
export type PictureList = Omit<z.output<typeof ordersSchema>, 'images'> & { orders: readonly Order[] };

/** @throws UsageError that names the flag, or the picture and its argument */
export async function pictureList({ words, flags }: Arguments, redact: Redact): Promise<PictureList> {
  // An empty variable of the shell must not take a ceiling away.
  const empty = Object.keys(flags).find((name) => flags[name] === '');
  if (empty !== undefined) throw new UsageError(`--${empty} needs a value; nothing was sent.`);
  const rows = [...words.map((prompt): Row => ({ prompt })), ...(flags.from ? await rowsOf(flags.from) : [])];
  if (rows.length === 0) throw new UsageError('generate needs a prompt in quotation marks, or --from FILE with some.');
  const given = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, flags[flagOf(name)]]));
  const { images: _, ...ofCall } = given(Object.keys(SCHEMA.properties ?? {}));
  const problems = new Set<string>();
  let list: PictureList = { allow_duplicate: false, orders: [] };
  for (let start = 0; start < rows.length; start += BATCH) {
    const images = rows.slice(start, start + BATCH).map((row) => ({ ...given(COLUMNS), ...row }));
    const read = ordersSchema.safeParse(repaired({ images, ...ofCall }, SCHEMA, []), { reportInput: true });
    for (const issue of read.error?.issues ?? []) problems.add(problemText(issue, rows, start, redact));
    if (read.data === undefined) continue;
    const { images: checked, ...call } = read.data;
    list = { ...call, orders: [...list.orders, ...checked.map((image) => orderOf({ ...image, ...call }))] };
  }
  if (problems.size === 0) return list;
  throw new UsageError(`nothing was sent, because of the arguments.\n  ${[...problems].slice(0, 10).join('\n  ')}`);
}

function problemText(issue: z.core.$ZodIssue, rows: readonly Row[], start: number, redact: Redact): string {
  const [argument, at, column] = issue.path;
  const number = start + Number(at) + 1;
  const name = String(column ?? argument);
  const isOfRow = column === 'prompt' || (column !== undefined && name in (rows[number - 1] ?? {}));
  const where = isOfRow ? `picture ${number}, ${name}` : `--${flagOf(name)}`;
  const [text = ''] = problemsOf(issue, generateImages, SCHEMA, redact);
  return where + text.slice(text.indexOf(':')).replace(/(aspect)_(ratio) or (size)/u, '--$1-$2 or --$3');
}

async function rowsOf(from: string): Promise<Row[]> {
  try {
    const bytes = from === '-' ? await buffer(process.stdin) : await readFile(from);
    // The decoder drops a byte order mark.
    const text = attempt(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (text === undefined) throw new Error('this is not UTF-8 text');
    const lines = text.split(/[\r\n]+/u).map((line) => line.trim());
    const head =
      lines
        .find((line) => line !== '')
        ?.replaceAll('"', '')
        .split(',') ?? [];
    const isTable = /\.csv$/iu.test(from) || head.some((cell) => cell.trim() === 'prompt');
    return isTable ? await tableRows(text) : lines.filter((line) => line !== '').map((prompt) => ({ prompt }));
  } catch (error) {
    throw new UsageError(`--from ${from}: ${cleanLine((error as Error).message)}.`);
  }
}

async function tableRows(text: string): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync');
  const columns = (names: string[]): string[] => {
    const bad = names.find((name, at) => !COLUMNS.includes(name) || names.indexOf(name) !== at);
    if (bad === undefined) return names;
    throw new Error(`the column ${fenced(bad, 60)} is unknown or there twice.${allowedInstead(bad, COLUMNS)}`);
  };
  const rows: Row[] = parse(text, {
    columns,
    trim: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
  });
  // An empty cell says nothing: the flag counts, or the default.
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '')));
}

/** The bin: arguments and environment in, a command, an exit code out. */
import './config/lean-zod.ts';
import { fileURLToPath } from 'node:url';
import { run } from './cli/run.ts';

const program = fileURLToPath(import.meta.url);
process.exitCode = await run({ argv: process.argv.slice(2), env: process.env, program });
